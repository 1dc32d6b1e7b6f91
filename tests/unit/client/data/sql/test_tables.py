"""What drivers give, as columns of the data contract."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import polars as pl
import pytest

from client.data.sql.tables import ids, ratings, texts, timestamps, vectors, whole
from shared.errors import DataError

ZONE = dt.timezone(dt.timedelta(hours=2))


@pytest.mark.parametrize(
    ("read", "values", "dtype", "expected"),
    [
        (ids, [1, None, 3], pl.Int64, [1, None, 3]),
        (ids, ["a", None], pl.String, ["a", None]),
        (ids, [Decimal("7"), 8], pl.Int64, [7, 8]),
        (ids, [UUID(int=1)], pl.String, ["00000000-0000-0000-0000-000000000001"]),
        (ids, [None], pl.Null, [None]),
        (ids, [1.0, Decimal("2"), 3, float("nan")], pl.Int64, [1, 2, 3, None]),
        (timestamps, [1, 2], pl.Int64, [1, 2]),
        (timestamps, [1, 2.5], pl.Float64, [1.0, 2.5]),
        (
            timestamps,
            [
                dt.datetime(1970, 1, 2),  # noqa: DTZ001
                dt.datetime(1970, 1, 1, 2, tzinfo=ZONE),
            ],
            pl.Datetime("us"),
            [dt.datetime(1970, 1, 2), dt.datetime(1970, 1, 1)],  # noqa: DTZ001
        ),
        (timestamps, [dt.date(1970, 1, 2)], pl.Datetime("us"), [dt.datetime(1970, 1, 2)]),  # noqa: DTZ001
        (
            timestamps,
            ["2020-01-01 00:01:00.25", "2020-01-01T02:00:01+02:00", None],
            pl.Datetime("us"),
            [dt.datetime(2020, 1, 1, 0, 1, 0, 250_000), dt.datetime(2020, 1, 1, 0, 0, 1), None],  # noqa: DTZ001
        ),
        (ratings, [Decimal("4.5"), 3, None], pl.Float32, [4.5, 3.0, None]),
        (ratings, [True, False, None], pl.Float32, [1.0, 0.0, None]),
        (texts, ["a", None], pl.String, ["a", None]),
        (vectors, [[1, 2], "[3.5, 4]"], pl.List(pl.Float64), [[1.0, 2.0], [3.5, 4.0]]),
    ],
)
def test_reads(read, values, dtype, expected) -> None:
    column = read(values, "here")
    assert column.dtype == dtype
    assert column.to_list() == expected


@pytest.mark.parametrize(
    ("read", "values", "sentence"),
    [
        (ids, [1, "private"], "here: expected integers of 64 bits or strings, found int and str"),
        (ids, [1.5], "found float"),
        (ids, [True], "found bool"),
        (ids, [2.0**53], "found float"),
        (ids, [2**63], "found int"),
        (ids, [Decimal("1.5")], "found Decimal"),
        (
            timestamps,
            ["2021-03-04", "private"],
            "here, row 1: expected a number, a time or a text in ISO 8601; .* CAST",
        ),
        (timestamps, [b"private"], "expected numbers or times, found bytes$"),
        (
            ratings,
            [None, 1, "private"],
            "here, row 2: expected numbers, found int and str; .*: CAST\\(... AS NUMERIC\\)",
        ),
        (texts, [5], "expected strings, found int"),
        (vectors, ["private"], "expected lists of numbers, found str"),
        (vectors, [["private"]], "expected lists of numbers, found list"),
    ],
)
def test_says_what_was_expected_and_quotes_no_value(read, values, sentence) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        read(values, "here")
    assert "private" not in str(caught.value)


def test_a_part_of_before_may_lack_a_column() -> None:
    before, now = pl.DataFrame({"item_id": [1]}), pl.DataFrame({"item_id": [2], "label": [None]})
    assert whole([before, now], "here").rows() == [(1, None), (2, None)]
