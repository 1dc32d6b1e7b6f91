"""From a folder to what is predicted of its users: what times say, what cuts say, and what an order alone says."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.cli.main import app, run
from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.impressions import impression_cuts
from client.data.platform import Platform, examples, known_events, training_sequences
from client.data.preparation import prepare
from client.data.source import read_folder
from client.data.splitting import time_cuts
from shared.errors import ConfigError, DataError
from tests.unit.client.data.clicks import click_folder
from tests.unit.client.data.folders import BEGIN, write_folder

USERS, ITEMS = 60, 40
DAY = 86_400


def visits() -> pl.DataFrame:
    """User u shops on days u, u + 2, u + 4 and u + 6: one item, then two, one and two again, each time at one time.

    The items are u, u + 1, ..., u + 5, modulo the catalogue.
    """
    visit = np.array([0, 1, 1, 2, 3, 3])
    users = np.repeat(np.arange(USERS), len(visit))
    places = np.tile(np.arange(len(visit)), USERS)
    times = BEGIN + DAY * (users + 2.0 * visit[places])
    return pl.DataFrame({"user_id": users, "item_id": (users + places) % ITEMS, "timestamp": times})


def shop(path: Path, events: pl.DataFrame, n_items: int = ITEMS) -> Path:
    items = pl.DataFrame({"item_id": np.arange(n_items), "text": [f"thing {one}" for one in range(n_items)]})
    return write_folder(path, items=items, events=events)


def prepared(path: Path, **options: object) -> Platform:
    preparation = Preparation(**options)  # type: ignore[arg-type]
    return prepare(read_folder(path, preparation.said_of_times), preparation, name="shop", seed=0)


Example = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A user, the items of their history in order, and the items that come next as a sorted tuple."""


def found(platform: Platform, stage: Stage) -> list[Example]:
    each = examples(platform, stage, np.arange(platform.n_users))

    histories, relevant = (
        [tuple(platform.item_ids[row] for row in part.items[start:end]) for start, end in pairwise(part.offsets)]
        for part in (each.histories, each.relevant)
    )
    names = [platform.user_ids[row] for row in each.users]
    return [(user, past, tuple(sorted(next_))) for user, past, next_ in zip(names, histories, relevant, strict=True)]


def all_found(platform: Platform) -> dict[str, list[Example]]:
    return {str(stage): found(platform, stage) for stage in Stage}


def moments(platform: Platform, stage: Stage) -> np.ndarray:
    each = examples(platform, stage, np.arange(platform.n_users)).histories.moments
    assert each is not None
    return each


def test_predicts_whole_baskets_from_all_that_came_before_them(tmp_path: Path) -> None:
    platform = prepared(shop(tmp_path, visits()))
    of_user_7 = {stage: [one for one in rows if one[0] == "7"] for stage, rows in all_found(platform).items()}
    assert of_user_7 == {
        "train": [("7", ("7",), ("8", "9"))],
        "validation": [("7", ("7", "8", "9"), ("10",))],
        "test": [("7", ("7", "8", "9", "10"), ("11", "12"))],
    }
    row = platform.user_ids.index("7")
    assert moments(platform, Stage.TEST)[row] == BEGIN + DAY * 13


def test_learns_from_one_item_of_a_basket_the_same_one_whatever_else_is_there(tmp_path: Path) -> None:
    whole = prepared(shop(tmp_path, visits()))
    few = prepared(tmp_path, users=(20, 70))
    every = dict(_targets(whole))
    assert dict(_targets(few)).items() <= every.items()
    chosen = {user: sorted(basket).index(every[user]) for user, _, basket in found(whole, Stage.TEST)}
    assert set(chosen.values()) == {0, 1}


def _targets(platform: Platform) -> list[tuple[str, str]]:
    each = examples(platform, Stage.TEST, np.arange(platform.n_users))
    return [(platform.user_ids[u], platform.item_ids[i]) for u, i in zip(each.users, each.targets, strict=True)]


def test_the_order_of_tied_rows_does_not_change_what_is_relevant(tmp_path: Path) -> None:
    relevant, histories = [], []
    for name, events in (
        ("as-it-is", visits()),
        ("turned", visits().reverse()),
        ("mixed", visits().sample(fraction=1.0, shuffle=True, seed=3)),
    ):
        platform = prepared(shop(tmp_path / name, events))
        relevant.append(
            {stage: [(user, next_) for user, _, next_ in rows] for stage, rows in all_found(platform).items()}
        )
        histories.append([(user, tuple(sorted(past))) for user, past, _ in found(platform, Stage.TEST)])
    assert relevant[0] == relevant[1] == relevant[2]
    assert histories[0] == histories[1] == histories[2]
    by_position = [prepared(tmp_path / name, protocol="position") for name in ("as-it-is", "turned")]
    assert found(by_position[0], Stage.TEST) != found(by_position[1], Stage.TEST)


def test_baskets_within_minutes_are_one(tmp_path: Path) -> None:
    events = visits().with_columns(pl.col("timestamp") + pl.int_range(pl.len()).over("user_id", "timestamp") * 90)
    path = shop(tmp_path, events)
    assert {len(basket) for _, _, basket in found(prepared(path), Stage.TEST)} == {1}
    assert all_found(prepared(path, basket=1.5)) == all_found(prepared(shop(tmp_path / "at-once", visits())))


def test_of_times_to_the_day_the_day_is_one_basket(tmp_path: Path) -> None:
    events = visits().with_columns(pl.col("timestamp") + pl.int_range(pl.len()).over("user_id", "timestamp") * 3_600.5)
    path, plain = shop(tmp_path, events), shop(tmp_path / "at-once", visits())
    assert all_found(prepared(path, times="day")) == all_found(prepared(plain))
    times = prepared(path, times="day").sequences.clock
    assert (times % DAY == 0).all()
    # BEGIN is 12:26:40 in UTC
    assert times.min() == BEGIN - (12 * 60 + 26) * 60 - 40
    with pytest.raises(DataError, match=r"times=day expects times, found each user's positions"):
        prepared(shop(tmp_path / "order", places()), times="day")


def places() -> pl.DataFrame:
    """Each user's events with their places in the order of ``visits``, and no time."""
    return visits().with_columns(timestamp=pl.int_range(pl.len()).over("user_id"))


@pytest.mark.parametrize("said", [{}, {"times": "order"}])
def test_an_order_alone_gives_what_is_predicted_by_position(tmp_path: Path, said: dict[str, str]) -> None:
    events = places() if not said else visits()
    order = prepared(shop(tmp_path / "order", events), **said)
    by_position = prepared(tmp_path / "order", protocol="position", **said)
    assert order.split is None
    assert not order.has_clock
    assert all_found(order) == all_found(by_position)
    timed = prepared(shop(tmp_path / "times", visits()), protocol="position")
    assert timed.has_clock
    assert all_found(timed) == all_found(order)
    assert training_sequences(timed, np.arange(USERS)).items.tolist() == (
        training_sequences(order, np.arange(USERS)).items.tolist()
    )


def half_known() -> pl.DataFrame:
    """Of every user's first three events nothing is known but their order, which the file tells by late timestamps."""
    first = pl.int_range(pl.len()).over("user_id") < 3
    late = pl.col("timestamp") + DAY * 1_000
    return visits().with_columns(timestamp=pl.when(first).then(late).otherwise("timestamp"), time_known=~first)


def test_events_without_a_known_time_come_first_and_are_never_predicted(tmp_path: Path) -> None:
    platform = prepared(shop(tmp_path, half_known()))
    clock = platform.sequences.clock.reshape(USERS, -1)
    assert np.isnan(clock[:, :3]).all()
    assert not np.isnan(clock[:, 3:]).any()
    assert [one for one in found(platform, Stage.TEST) if one[0] == "7"] == [("7", ("7", "8", "9", "10"), ("11", "12"))]
    predicted = {(user, item) for rows in all_found(platform).values() for user, _, basket in rows for item in basket}
    assert predicted
    assert not predicted & {(str(user), str((user + place) % ITEMS)) for user in range(USERS) for place in range(3)}


def test_who_has_one_basket_does_the_same_whoever_else_is_there(tmp_path: Path) -> None:
    path = shop(tmp_path, half_known().filter(pl.int_range(pl.len()).over("user_id") != 3))
    whole, few = prepared(path), prepared(path, users=(20, 70))
    does = [
        {user: stage for stage, rows in all_found(platform).items() for user, _, _ in rows} for platform in (whole, few)
    ]
    assert set(does[0].values()) == {"test", "validation", "train"}
    assert len(does[0]) == USERS
    assert 0 < len(does[1]) < USERS
    assert does[1].items() <= does[0].items()


def test_a_cut_takes_events_without_a_known_time_for_earlier_ones(tmp_path: Path) -> None:
    path = shop(tmp_path, half_known())
    options = Preparation(split="time:60,20,20")
    folder = read_folder(path)
    cuts = time_cuts(folder, options)
    known = folder.events.filter("time_known")["timestamp"]
    assert cuts == (known.sort()[int(0.6 * len(known))], known.sort()[int(0.8 * len(known))])
    platform = prepared(path, split="time:60,20,20")
    assert (platform.held_out.training >= 3).all()


@pytest.mark.parametrize("split", ["time:60,20,20", "time:2020-10-20,2020-11-05"])
def test_a_cut_in_time_is_the_same_for_everybody_and_nothing_after_it_is_trained_on(tmp_path: Path, split: str) -> None:
    path = shop(tmp_path, visits())
    platform = prepared(path, split=split)
    cuts = time_cuts(read_folder(path), Preparation(split=split))
    assert cuts is not None
    trained = training_sequences(platform, np.arange(platform.n_users)).clock
    every = platform.sequences.clock
    assert len(trained) == (every < cuts[0]).sum()
    assert trained.max() < cuts[0]
    assert moments(platform, Stage.TRAIN).max() < cuts[0]
    assert moments(platform, Stage.VALIDATION).min() >= cuts[0]
    assert moments(platform, Stage.VALIDATION).max() < cuts[1]
    assert moments(platform, Stage.TEST).min() >= cuts[1]
    # everybody's every visit after the second cut is predicted, but for a first one
    assert len(moments(platform, Stage.TEST)) > len(set(examples(platform, Stage.TEST, np.arange(USERS)).users))


def test_minima_count_what_comes_before_the_cut_and_what_comes_first_after_it_stays(tmp_path: Path) -> None:
    # days 0..9 before the cut, 10..19 after it: item 0 is frequent before; 1 is rare before and frequent after; 2 is
    # there after the cut alone; user 100 is rare before and busy after, 200 comes after the cut
    regular = [(user, item, day) for user in range(10) for day, item in ((1, 0), (2, 3), (3, 4), (12, 2), (13, 5))]
    rare = [(0, 1, 4), *((user, 1, 14) for user in range(1, 10))]
    others = [(100, 0, 5), *((100, item, 15) for item in (2, 3, 4)), *((200, item, 16) for item in (0, 2, 3))]
    rows = [(user, item, BEGIN + DAY * day) for user, item, day in regular + rare + others]
    events = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    path = shop(tmp_path, events, n_items=6)
    cut = "time:2020-09-23T12:26:40,2020-09-26T12:26:40"  # days 10 and 13 after BEGIN, 2020-09-13
    platform = prepared(path, split=cut, min_item_events=3, min_user_events=3)
    assert set(platform.item_ids) == {"0", "2", "3", "4", "5"}
    assert "200" in platform.user_ids
    assert "100" not in platform.user_ids
    whole = prepared(path, min_item_events=3, min_user_events=3)
    assert "1" in whole.item_ids
    assert "100" in whole.user_ids
    assert [basket for user, _, basket in found(platform, Stage.TEST) if user == "3"] == [("5",)]


def test_nothing_of_training_comes_from_after_the_first_impression_that_validates(tmp_path: Path) -> None:
    path = click_folder(tmp_path)
    pages = pl.read_parquet(path / "impressions.parquet").filter(pl.col("timestamp") < BEGIN + 12)
    pages.write_parquet(path / "impressions.parquet")  # those of two days, so that the second one validates
    platform = prepared(path)
    impressions = read_folder(path).impressions
    assert impressions is not None
    assert impression_cuts(impressions)[0] == BEGIN + 11
    assert training_sequences(platform, np.arange(platform.n_users)).clock.max() == BEGIN + 10
    # what is counted as of a later moment, and what is predicted, goes on to the last day
    assert known_events(platform, np.arange(platform.n_users)).clock.max() == BEGIN + 12
    assert moments(platform, Stage.TEST).max() == BEGIN + 14
    cut = "time:2020-09-13T12:26:52,2020-09-13T12:26:53"  # 12 and 13 seconds after BEGIN
    assert training_sequences(prepared(path, split=cut), np.arange(platform.n_users)).clock.max() == BEGIN + 10
    (path / "impressions.parquet").unlink()
    assert training_sequences(prepared(path, split=cut), np.arange(platform.n_users)).clock.max() == BEGIN + 11
    assert training_sequences(prepared(path), np.arange(platform.n_users)).clock.max() == BEGIN + 12


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--split", "time:80,10"], "split must be last, time:A,B,C in percent that sum to 100"),
        (["--split", "time:80,20,20"], "got 'time:80,20,20'"),
        (["--split", "time:2021-01-02,2021-01-01"], "or two dates (time:2024-05-01,2024-06-01)"),
        (["--split", "time:80,10,10", "--protocol", "position"], "it cannot stand beside protocol=position"),
        (["--split", "time:1999-01-01,1999-02-01"], "expects events before, between and after its cuts; found 0, 0"),
        (["--split", "time:2020-10-01,2030-01-01"], "events before, between and after its cuts; found"),
        (["--protocol", "baskets"], "protocol must be"),
    ],
)
def test_ends_what_cannot_be_cut_with_one_sentence_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert sentence in _refusal(shop(tmp_path / "shop", visits()), options, capsys)


def test_a_cut_needs_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shop(tmp_path / "shop", places())
    said = _refusal(path, ["--split", "time:80,10,10"], capsys)
    assert f"{path}: split=time:80,10,10 expects events with times, found an order alone" in said
    with pytest.raises(ConfigError, match="found an order alone"):
        prepared(shop(tmp_path / "timed", visits()), split="time:80,10,10", ordered=False)


def _refusal(folder: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says on stderr before it ends with code 2: one line."""
    arguments = ["pretrain", str(folder), "--out", str(folder.parent / "e.safetensors"), *options]
    with pytest.raises(SystemExit) as stop:
        run(lambda: app(arguments, standalone_mode=False))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said
