"""What an id is: whole floats, missing values, and ids that are numbers in one table and texts in another."""

from decimal import Decimal

import polars as pl
import pytest

from client.data.ids import Meeting, in_one_form, read_ids
from client.data.missing import MISSING


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series([1.0, 2.0, None]), [1, 2, None]),
        (pl.Series([1.0, float("nan")]), [1, None]),
        (pl.Series([7.0], dtype=pl.Float32), [7]),
        (pl.Series([Decimal("7"), None]), [7, None]),
        (pl.Series([[1.0, 2.0], [], None]), [[1, 2], [], None]),
        (pl.Series([[], []], dtype=pl.List(pl.Null)), [[], []]),
        (pl.Series(["a", *MISSING, "", " "]), ["a", *([None] * (len(MISSING) + 2))]),
        (pl.Series(["none", "Null", "#N/A", " NaT ", "(null)", "undefined"]), [None] * 6),
        (pl.Series(["na", "NAN", "nat", "Nat", "nill"]), ["na", "NAN", "nat", "Nat", "nill"]),
        (pl.Series([["a", "nan"]]), [["a", None]]),
        (pl.Series(["007"], dtype=pl.Categorical), ["007"]),
    ],
)
def test_reads_whole_numbers_and_texts(column: pl.Series, expected: list[object]) -> None:
    found = read_ids(column)
    assert found is not None
    assert found.to_list() == expected


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([1.5, 2.0]),
        pl.Series([float("inf")]),
        pl.Series([2.0**53]),
        pl.Series([2.0**24], dtype=pl.Float32),
        pl.Series([Decimal("1.5")]),
        pl.Series([[1.5]]),
        pl.Series([True]),
    ],
)
def test_refuses_what_tells_no_two_ids_apart(column: pl.Series) -> None:
    assert read_ids(column) is None


def tables(items: list[object], events: list[object]) -> dict[str, pl.DataFrame]:
    return {"items": pl.DataFrame({"item_id": items}), "events": pl.DataFrame({"item_id": events, "user_id": events})}


@pytest.mark.parametrize(
    ("items", "events", "meant"),
    [
        ([1, 2], ["1", "2"], ["1", "2"]),
        ([1, 2], ["1.0", "2.0"], ["1", "2"]),
        (["1", "b"], ["1.0", "b"], ["1", "b"]),
        (["001", "002"], ["001", "002"], ["001", "002"]),
        (["1.0", "1.1"], ["1.0", "1.0"], ["1.0", "1.0"]),
    ],
)
def test_brings_ids_of_all_tables_to_one_form(items: list[object], events: list[object], meant: list[str]) -> None:
    found = in_one_form(tables(items, events))
    assert found["events"]["item_id"].to_list() == meant
    assert found["items"].schema["item_id"] == pl.String
    assert found["items"]["item_id"].is_in(meant).any()


def test_leaves_whole_numbers_as_they_are() -> None:
    whole = tables([1, 2], [2, 1])
    assert all(one.equals(whole[name]) for name, one in in_one_form(whole).items())


def test_brings_the_lists_of_impressions_to_the_same_form() -> None:
    shown = pl.DataFrame({"user_id": ["7.0"], "history": [[1, 2]], "candidates": [["1.0", "2.0"]]})
    found = in_one_form({"events": pl.DataFrame({"item_id": [1], "user_id": [7]}), "impressions": shown})
    assert found["impressions"].row(0) == ("7", ["1", "2"], ["1", "2"])
    assert found["events"].row(0) == ("1", "7")


@pytest.mark.parametrize(("known", "fails"), [(2, False), (1, True)])
def test_half_of_the_ids_have_to_meet(known: int, fails: bool) -> None:
    named = pl.Series(["a", "b", "c", "d", "a", None])
    assert Meeting.of(named, pl.Series(["a", "b"][:known])).fails == fails


def test_shows_a_few_ids_of_both_sides_cut_short() -> None:
    meeting = Meeting.of(pl.Series(["x" * 90, "b", "c", "d"]), pl.Series(["1", "2"]))
    assert str(meeting) == (
        "0 of the 4 item ids in the events stand in the table of items; "
        f"the events name '{'x' * 40}', 'b', 'c', ..., the items are '1', '2'"
    )
