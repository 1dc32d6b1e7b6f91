"""Steps on coded events give what the plain formulas give, block by block."""

import numpy as np
import polars as pl
import pytest

from client.data import coded_events
from client.data.coded_events import (
    IdCodes,
    coded,
    in_time_order,
    kept,
    looked_up,
    named_codes,
    of_codes,
    with_enough_events,
    with_long_lists,
    without_repeats,
)

BLOCK = 7


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded_events, "BLOCK_EVENTS", BLOCK)


def events(seed: int, count: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "user_id": [f"u{number}" for number in rng.integers(20, size=count)],
            "item_id": rng.integers(15, size=count) * 1000,
            "timestamp": rng.integers(40, size=count),
            "rating": np.ones(count, np.float32),
            "time_known": rng.random(count) < 0.8,
        }
    )


def in_codes(table: pl.DataFrame) -> pl.DataFrame:
    return coded(table, IdCodes.of(table["user_id"]), IdCodes.of(table["item_id"]))


@pytest.mark.parametrize("ids", [[3, 1, 1, 1, 2, 1], ["b", "a", "a", "", "b", "b"]])
def test_a_code_is_the_rank_of_an_id(ids: list[int] | list[str]) -> None:
    column = pl.Series("user_id", ids)
    codes = IdCodes.of(column)
    expected = column.rank("dense").to_numpy() - 1
    assert codes.code(column).tolist() == expected.tolist()
    assert codes.decode(pl.Series("user_id", codes.code(column))).equals(column)


def test_what_has_no_code_is_minus_one_and_null_again() -> None:
    codes = IdCodes.of(pl.Series([5, None, 7]))
    assert codes.code(pl.Series([None, 7, 8, 5], dtype=pl.Int64)).tolist() == [-1, 1, -1, 0]
    assert codes.decode(pl.Series("id", [-1, 1, 0], dtype=pl.Int32)).to_list() == [None, 7, 5]
    assert codes.members(pl.Series([7, 9])).tolist() == [False, True]


def test_ids_of_several_columns_share_their_codes() -> None:
    assert IdCodes.of(pl.Series([3, 1]), pl.Series([2, 3])).ids.to_list() == [1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_order_is_by_user_then_known_time_then_row(seed: int) -> None:
    table = in_codes(events(seed))
    ordered = in_time_order(table)
    assert ordered.equals(table.sort("user_id", "time_known", "timestamp", "row"))
    assert in_time_order(ordered) is ordered


@pytest.mark.parametrize("row", range(1, 3 * BLOCK))
def test_one_event_too_early_is_seen_wherever_a_block_ends(row: int) -> None:
    times = np.arange(3 * BLOCK)
    times[row] = row - 2
    table = pl.DataFrame({"user_id": 0, "time_known": True, "timestamp": times}).with_row_index("row")
    assert in_time_order(table)["timestamp"].to_list() == sorted(times.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_the_first_event_of_a_user_on_an_item_stays(seed: int) -> None:
    table = in_time_order(in_codes(events(seed)))
    assert without_repeats(table).equals(table.unique(["user_id", "item_id"], keep="first", maintain_order=True))


def test_a_null_item_is_no_other_user_s_last_item() -> None:
    table = pl.DataFrame(
        {"user_id": [0, 1, 1], "item_id": [3, -1, -1]}, schema={"user_id": pl.Int32, "item_id": pl.Int32}
    )
    assert without_repeats(table).rows() == [(0, 3), (1, -1)]


def test_blocks_hold_all_events_of_their_users() -> None:
    users = np.repeat(np.arange(6), [3, 1, 20, 2, 5, 9]).astype(np.int32)
    bounds = list(coded_events._blocks_of_users(users))
    assert [stop for _, stop in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert (bounds[0][0], bounds[-1][1]) == (0, len(users))
    assert all(stop == len(users) or users[stop] != users[stop - 1] for _, stop in bounds)
    assert max(stop - start for start, stop in bounds) < BLOCK + 20


@pytest.mark.parametrize("seed", [0, 1, 4])
@pytest.mark.parametrize("some_counted", [False, True])
def test_ids_with_too_few_counted_events_go(seed: int, some_counted: bool) -> None:
    table = in_codes(events(seed))
    counted = table["time_known"].to_numpy() if some_counted else None
    found = with_enough_events(table, {"item_id": 9, "user_id": 5}, counted, passes=3)
    expected = table.with_columns(counted=pl.col("time_known") if some_counted else pl.lit(True))
    for _ in range(3):
        for column, least in (("item_id", 9), ("user_id", 5)):
            count = pl.col("counted").sum().over(column)
            expected = expected.filter((count >= least) | (count == 0))
    assert 0 < found.height < table.height
    assert found.equals(expected.drop("counted"))


def test_users_with_long_lists_stay() -> None:
    table = in_codes(events(1))
    assert with_long_lists(table, 10).equals(table.filter(pl.len().over("user_id") >= 10))


def test_nothing_is_copied_where_all_stay() -> None:
    table = in_codes(events(0))
    assert kept(table, np.ones(table.height, bool)) is table
    assert of_codes(table, "item_id", np.ones(15, bool)) is table
    assert with_long_lists(table, 1) is table


def test_events_of_some_ids() -> None:
    table = in_codes(events(2))
    good = np.arange(15) % 2 == 0
    assert of_codes(table, "item_id", good).equals(table.filter(pl.col("item_id") % 2 == 0))
    assert named_codes(of_codes(table, "item_id", good), "item_id", 15).tolist() == good.tolist()


def test_values_are_looked_up_by_code() -> None:
    values, codes = np.arange(15, dtype=np.int32)[::-1].copy(), in_codes(events(3))["item_id"].to_numpy()
    assert looked_up(values, codes).tolist() == values[codes].tolist()
