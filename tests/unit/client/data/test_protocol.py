"""``protocol`` and ``split``: what may be written, and where it cuts."""

import pytest

from client.data.folder_options import DataSettings, Preparation, SharedPreparation
from client.data.protocol import ProtocolOptions, TimeCuts
from client.data.spec import parse_folder
from shared.errors import ConfigError


def test_last_events_are_held_out_and_baskets_predicted_unless_said_otherwise() -> None:
    assert ProtocolOptions() == ProtocolOptions(protocol="basket", split="last")
    assert ProtocolOptions().cuts is None


@pytest.mark.parametrize(
    ("text", "cuts"),
    [
        ("time:80,10,10", (80, 90)),
        ("time:33.3,33.3,33.4", (33.3, 66.6)),
        ("time:0.5,0.5,99", (0.5, 1)),
    ],
)
def test_reads_shares_of_the_events_in_time_order(text: str, cuts: tuple[float, float]) -> None:
    found = ProtocolOptions(split=text).cuts
    assert found is not None
    assert found.shares
    assert (found.first, found.second) == pytest.approx(cuts)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        # 1,714,521,600 is 2024-05-01 00:00 in UTC, as `date -u -d 2024-05-01 +%s` says
        ("time:2024-05-01,2024-06-01", 1_714_521_600),
        ("time:2024-05-01T12:00:00,2024-06-01", 1_714_521_600 + 12 * 3_600),
        ("time:2024-05-01T02:00:00+02:00,2024-06-01", 1_714_521_600),
        ("time:2024-05-01T00:00:00Z,2024-06-01T00:00:00-01:00", 1_714_521_600),
    ],
)
def test_reads_dates_in_utc_unless_they_say_otherwise(text: str, first: float) -> None:
    found = ProtocolOptions(split=text).cuts
    assert found is not None
    assert not found.shares
    assert found.first == first
    june = first - first % 86_400 + 31 * 86_400
    assert found.second == june + (3_600 if text.endswith("-01:00") else 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "first",
        "time",
        "time:",
        "time:80",
        "time:80,20",
        "time:80,20,0",
        "time:100,0,0",
        "time:80,10,11",
        "time:-10,60,50",
        "time:80,10,10,0",
        "time:80;10;10",
        "time:nan,10,10",
        "time:2024-05-01",
        "time:2024-13-01,2024-06-01",
        "time:2024-06-01,2024-06-01",
        "time:2024-06-01,2024-05-01",
        "time:2024-05-01,2024-06-01,2024-07-01",
        "time:yesterday,today",
        " time:80,10,10",
    ],
)
def test_refuses_what_cuts_nothing_and_says_what_would(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        ProtocolOptions(split=text)
    said = str(error.value)
    assert said.startswith("split must be last, time:A,B,C in percent that sum to 100 (time:80,10,10), or two dates")
    assert said.endswith(f"got {text!r}")
    assert "\n" not in said


def test_a_cut_in_time_predicts_baskets() -> None:
    with pytest.raises(ConfigError, match="split=time predicts baskets: it cannot stand beside protocol=position"):
        ProtocolOptions(split="time:80,10,10", protocol="position")
    assert ProtocolOptions(split="last", protocol="position").cuts is None


def test_all_platforms_of_a_run_share_it() -> None:
    settings = DataSettings(split="time:80,10,10", min_user_events=5)
    shared = SharedPreparation.of(settings)
    assert (shared.split, shared.min_user_events, shared.protocol) == ("time:80,10,10", 5, "basket")
    found = parse_folder("/data/shop,repeats=keep,basket=30").preparation(settings)
    assert found == Preparation(split="time:80,10,10", min_user_events=5, repeats="keep", basket=30.0)
    assert found.cuts == TimeCuts(first=80, second=90, shares=True)
