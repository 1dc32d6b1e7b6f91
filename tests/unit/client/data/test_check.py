"""Checking a platform folder."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.data.check import CheckReport, check_folder
from client.data.source import read_platform_data
from client.data.spec import parse_folder
from tests.unit.client.data.folders import BEGIN, EVENTS, IMPRESSIONS, ITEMS, write_folder

DATA = Path(os.environ.get("GRAFT_DATA", Path(__file__).parents[5] / "shared" / "data"))
PLATFORMS = [
    "mind_news",
    "movielens_small",
    "amazon_games",
    "amazon_beauty",
    "amazon_toys",
    "amazon_sports",
    "amazon_industrial",
    "amazon_giftcards",
    "uci_retail",
    "steam_games",
    "lastfm_music",
]


def found(report: CheckReport) -> list[tuple[str, str, int, tuple[int, ...]]]:
    return [(one.kind, one.column, one.count, one.rows) for one in report.violations]


def test_counts_a_sound_folder(tmp_path: Path) -> None:
    events = EVENTS.with_columns(pl.Series("user_id", [1, 1, 1]), pl.col("timestamp").sort())
    report = check_folder(write_folder(tmp_path, events=events, impressions=IMPRESSIONS))
    assert report.sound
    assert report.counts == {"users": 1, "items": 3, "events": 3, "impressions": 1}
    assert report.lines()[-1] == "no violation"
    assert report.notes[0] == "figures over 1 user tell nothing: 20 are the least"
    assert report.notes[1].startswith("half of the users have 1 item or fewer left that they did not meet")


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("user_id", [1, None, 2], ("null-id", "user_id", 1, (1,))),
        ("item_id", [10, None, 30], ("null-id", "item_id", 1, (1,))),
        ("item_id", [10, 99, 98], ("unknown-item", "item_id", 2, (1, 2))),
        ("timestamp", [-5, BEGIN + 6, BEGIN + 1], ("negative-timestamp", "timestamp", 1, (0,))),
        ("timestamp", [BEGIN + 5.0, float("inf"), BEGIN + 1.0], ("bad-timestamp", "timestamp", 1, (1,))),
        ("timestamp", [float("nan"), BEGIN + 6.0, BEGIN + 1.0], ("bad-timestamp", "timestamp", 1, (0,))),
        ("timestamp", [BEGIN + 5, BEGIN + 6, None], ("bad-timestamp", "timestamp", 1, (2,))),
        ("timestamp", [BEGIN + 7, BEGIN + 6, BEGIN + 1], ("unsorted", "timestamp", 1, (1,))),
        ("user_id", [1, 2, 1], ("unsorted", "timestamp", 1, (2,))),
        ("rating", [1.0, float("nan"), 1.0], ("bad-rating", "rating", 1, (1,))),
    ],
)
def test_finds_a_broken_event(tmp_path: Path, column: str, values: list[object], expected: tuple[object, ...]) -> None:
    report = check_folder(write_folder(tmp_path, events=EVENTS.with_columns(pl.Series(column, values))))
    assert expected in found(report)
    assert {one.file for one in report.violations} == {"events.parquet"}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("item_id", [10, 10, 30], ("duplicate-item", "item_id", 1, (1,))),
        ("item_id", [10, 20, None], ("null-id", "item_id", 1, (2,))),
        ("text", ["a", None, "  "], ("empty-text", "text", 2, (1, 2))),
    ],
)
def test_finds_a_broken_item(tmp_path: Path, column: str, values: list[object], expected: tuple[object, ...]) -> None:
    report = check_folder(write_folder(tmp_path, items=ITEMS.with_columns(pl.Series(column, values))))
    assert expected in found(report)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("labels", [[1]], ("label-length", "labels", 1, (0,))),
        ("labels", [[1, 2]], ("bad-label", "labels", 1, (0,))),
        ("labels", [None], ("label-length", "labels", 1, (0,))),
        ("candidates", [[30, 99]], ("unknown-item", "candidates", 1, (0,))),
        ("history", [[None, 10]], ("null-id", "history", 1, (0,))),
        ("user_id", [None], ("null-id", "user_id", 1, (0,))),
    ],
)
def test_finds_a_broken_impression(
    tmp_path: Path, column: str, values: list[object], expected: tuple[object, ...]
) -> None:
    series = pl.Series(column, values, dtype=IMPRESSIONS.schema[column])
    report = check_folder(write_folder(tmp_path, impressions=IMPRESSIONS.with_columns(series)))
    assert expected in found(report)


def test_goes_on_where_a_file_is_unreadable(tmp_path: Path) -> None:
    write_folder(tmp_path, items=ITEMS.with_columns(pl.Series("text", ["", "", ""])))
    (tmp_path / "events.parquet").write_bytes(b"PAR1 no")
    np.save(tmp_path / "item_vectors.npy", np.eye(2))
    report = check_folder(tmp_path)
    assert len(report.unreadable) == 2
    assert [one.kind for one in report.violations] == ["empty-text"]
    assert report.counts == {"items": 3}


@pytest.mark.parametrize(
    ("tables", "kind", "sentence"),
    [
        ({"events": EVENTS.clear()}, "no-events", "events.parquet: expected events, found none"),
        ({"items": ITEMS.clear()}, "few-items", "items.parquet: expected 2 items or more, found 0"),
        ({"events": EVENTS}, "few-events", "events.parquet: expected users with 3 events or more, found none"),
    ],
)
def test_says_what_a_folder_lacks(tmp_path: Path, tables: dict[str, pl.DataFrame], kind: str, sentence: str) -> None:
    report = check_folder(write_folder(tmp_path, **tables))
    assert not report.sound
    assert kind in {one.kind for one in report.violations}
    assert sentence in report.lines()


FIVE = pl.DataFrame(
    {"user_id": [1] * 5, "item_id": [10, 20, 30, 10, 20], "timestamp": [BEGIN + each for each in range(5)]}
)


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"rating": [0.0] * 5}, "min-rating=0"),
        ({"rating": [-1.0, -1.0, -1.0, 1.0, 1.0]}, "min-rating=-1"),
        ({"item_id": [10] * 5}, "repeats=keep"),
        ({"item_id": [10, 20, 10, 20, 10]}, "repeats=keep"),
    ],
)
def test_says_where_too_few_events_count(tmp_path: Path, change: dict[str, list[float]], option: str) -> None:
    path = write_folder(tmp_path, events=FIVE.with_columns(pl.Series(name, one) for name, one in change.items()))
    report = check_folder(path)
    assert [one.kind for one in report.violations] == ["few-events"]
    assert report.lines()[-1] == (
        "events.parquet: expected users with 3 events or more, found none: left out are low ratings (min-rating says "
        "which) and repeats of an item (repeats=keep keeps them)"
    )
    assert check_folder(path, options=parse_folder(f"{path},{option}")).sound


def test_counts_events_as_the_options_say(tmp_path: Path) -> None:
    path = write_folder(tmp_path, events=FIVE.with_columns(rating=pl.lit(3.0)))
    assert check_folder(path).sound
    assert not check_folder(path, options=parse_folder("shop,min-rating=4")).sound


def test_names_a_column_that_may_be_the_rating(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound = EVENTS.sort("user_id", "timestamp")
    path = write_folder(tmp_path, events=sound.rename({"rating": "stars"}))
    (note,) = check_folder(path).notes
    said = (
        "events.parquet: the column stars is not read, every event counts as rated 1 (call it rating to have it read)"
    )
    assert note == said
    read_platform_data(path)
    assert f"{path}/{said}" in caplog.messages


@pytest.mark.parametrize("name", ["label", "is_click", "Clicked", "is_like", "like", "is_buy", "user_rating"])
def test_knows_what_ratings_are_called(tmp_path: Path, name: str) -> None:
    (note,) = check_folder(write_folder(tmp_path, events=EVENTS.rename({"rating": name}))).notes
    assert f"the column {name} is not read" in note


def test_counts_events_that_say_that_a_user_did_not_want_an_item(tmp_path: Path) -> None:
    ratings = pl.Series("rating", [0.0, -2.0, 1.0])
    (note,) = check_folder(write_folder(tmp_path, events=EVENTS.with_columns(ratings))).as_json()["notes"]
    assert note.startswith("1 events are rated 0 and 1 below 0")
    assert "min-rating" in note


@given(rows=st.lists(st.sampled_from(["fine", "unknown", "negative", "null"]), min_size=1, max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_every_violation_and_lists_the_first_few(tmp_path: Path, rows: list[str]) -> None:
    events = pl.DataFrame(
        {
            "user_id": pl.Series([None if row == "null" else 1 for row in rows], dtype=pl.Int64),
            "item_id": [99 if row == "unknown" else 10 for row in rows],
            "timestamp": [-1 if row == "negative" else BEGIN for row in rows],
        }
    )
    report = check_folder(write_folder(tmp_path, events=events), limit=3)
    kinds = {"unknown-item": "unknown", "negative-timestamp": "negative", "null-id": "null"}
    counted = {one.kind: (one.count, one.rows) for one in report.violations if one.kind in kinds}
    where = {kind: [at for at, row in enumerate(rows) if row == word] for kind, word in kinds.items()}
    assert counted == {kind: (len(at), tuple(at[:3])) for kind, at in where.items() if at}


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real platforms is not here")
def test_finds_nothing_in_a_real_platform(name: str) -> None:
    report = check_folder(DATA / name)
    assert report.sound
    assert report.counts["vector_numbers"] == 128
