"""Whatever ``graft-client import csv`` is given, it writes a sound folder, or one sentence and nothing else."""

import io
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from client.cli.main import app
from client.data.check import check_folder
from shared.errors import InputError

fuzzed = settings(max_examples=60, deadline=None)

HEADER = ("user_id", "item_id", "timestamp", "rating", "text")
NAMES = (*HEADER, "category", "items.item_id")
ROWS = (HEADER, ("u", "1", "0", "4", "Hat"), ("u", "2", "1", "3.5", "Shoe"), ("v", "1", "0", "1", "Hat"))
ODD_FIELDS = (
    *(
        "",
        " ",
        "nan",
        "inf",
        "-1",
        "-0",
        "1e3",
        "1e300",
        "1e999",
        "9" * 18,
        "9" * 20,
        "1.5",
        "1600000000",
        "1600000000000.5",
        "03/04/2021",
        "08",
        "13085.0",
        "text",
    ),
    *(
        "2020-01-01",
        "2020-01-01T05:00:00Z",
        "2020-01-01 05:00:00.25+0800",
        "9999-12-31 23:59",
        "0001-01-01",
        "Café",
        "🙂",
        "x" * 140_000,
    ),
    *('"', '""', '"x', '"a\nb"', "\x00", "\ufeff", "\n", "\r", "\r\n", ",", ";", "\t", "|", "\u2028", "\\"),
)
CELL = st.tuples(st.integers(0, 3), st.integers(0, 4))


def _table(odd: dict[tuple[int, int], str], rows: int, separator: str, end: str) -> str:
    """The first ``rows`` of ROWS, some of their cells replaced."""
    cells = [[odd.get((row, column), cell) for column, cell in enumerate(line)] for row, line in enumerate(ROWS)]
    return end.join([separator.join(line) for line in cells[:rows]] + [""])


TABLE = st.builds(
    _table,
    st.dictionaries(CELL, st.sampled_from(ODD_FIELDS), max_size=3),
    st.sampled_from([4, 4, 4, 1, 0]),
    st.sampled_from([",", ",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\n", "\r\n", "\r"]),
)
PLAIN = TABLE.map(str.encode)
CONTENT = st.one_of(
    PLAIN,
    PLAIN,
    st.builds(str.encode, TABLE, st.sampled_from(["utf-16", "utf-8-sig", "utf-32"])),
    st.builds(lambda table, at, junk: table[:at] + junk + table[at:], PLAIN, st.integers(0, 80), st.binary(max_size=3)),
    st.binary(max_size=40),
)
ODD_TEXT = st.text(min_size=1, max_size=3)
OPTION = st.one_of(
    st.just(["--no-time"]),
    st.just(["--only-used-items"]),
    st.builds(lambda value: ["--times", value], st.sampled_from(["order", "seconds", "days", ""])),
    st.builds(
        lambda value: ["--separator", value], st.one_of(st.sampled_from([";", '"', "\n", "é", "\x01"]), ODD_TEXT)
    ),
    st.builds(
        lambda value: ["--encoding", value],
        st.sampled_from(
            ["latin-1", "utf-16", "utf-7", "idna", "punycode", "undefined", "unicode_escape", "hex", "ebcdic"]
        ),
    ),
    st.builds(
        lambda value: ["--time-format", value],
        st.one_of(st.sampled_from(["%d/%m/%Y", "%Q", "%", "%s", "%H:%M", "%Y"]), ODD_TEXT),
    ),
    st.builds(
        lambda ours, theirs: ["--map", f"{ours}={theirs}"],
        st.sampled_from(NAMES),
        st.one_of(st.sampled_from([*NAMES, "text+rating", "nothing", "+"]), ODD_TEXT),
    ),
)
OPTIONS = st.one_of(st.just([]), st.just([]), OPTION, st.builds(lambda one, other: [*one, *other], OPTION, OPTION))
COLUMNS = [
    pl.Series(["u", None, " "]),
    pl.Series([0, -1, 2**63 - 1]),
    pl.Series([1, None, 2]),
    pl.Series([1.5, 1e300, 0.0]),
    pl.Series([1.0, float("nan"), float("inf")]),
    pl.Series([True, False, None]),
    pl.Series([date(2020, 1, 1), date.max, date.min]),
    pl.Series([datetime(2020, 1, 1, 5, tzinfo=UTC)] * 3),
    pl.Series([0, 2**62, -(2**62)], dtype=pl.Datetime("us")),
    pl.Series([timedelta(days=1)] * 3),
    pl.Series([time(1)] * 3),
    pl.Series([b"a", b"\xff", None]),
    pl.Series([Decimal("1.50"), None, Decimal("7")]),
    pl.Series([[1], [], None]),
    pl.Series([{"a": 1}] * 3),
    pl.Series([None] * 3),
    pl.Series(["a", "b", "a"], dtype=pl.Categorical),
]


def imported_or_refused(files: dict[str, bytes], source: str, options: list[str]) -> None:
    """Import ``source`` from a folder of these files, and check what is left behind."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        for name, content in files.items():
            (folder / "in" / name).write_bytes(content)
        arguments = ["import", "csv", str(folder / source), "--out", str(folder / "out"), *options]
        done = CliRunner().invoke(app, arguments)
        left = sorted(each.name for each in folder.iterdir())
        if done.exit_code == 0:
            assert left == ["in", "out"]
            assert {one.kind for one in check_folder(folder / "out").violations} <= {"few-events", "few-items"}
        else:
            assert isinstance(done.exception, InputError | SystemExit), repr(done.exception)
            assert left == ["in"]
            assert "\n" not in str(done.exception)


@fuzzed
@given(content=CONTENT, options=OPTIONS)
def test_any_text_under_any_options(content: bytes, options: list[str]) -> None:
    imported_or_refused({"log.csv": content}, "in/log.csv", options)


@fuzzed
@given(events=CONTENT, items=CONTENT, options=OPTIONS)
def test_any_two_tables(events: bytes, items: bytes, options: list[str]) -> None:
    imported_or_refused({"events.csv": events, "items.csv": items}, "in", options)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A Parquet file of the columns that the importer expects and one more, up to three of them odd."""
    columns = [pl.Series(name, cells) for name, *cells in zip(*ROWS, strict=True)] + [
        pl.Series("more", ["a", "b", "c"])
    ]
    odd = draw(st.dictionaries(st.integers(0, 5), st.sampled_from(COLUMNS), max_size=3))
    table = pl.DataFrame([odd.get(at, column).alias(column.name) for at, column in enumerate(columns)])
    stream = io.BytesIO()
    table.head(draw(st.sampled_from([3, 3, 3, 0]))).write_parquet(stream)
    return stream.getvalue()


@fuzzed
@given(events=frames(), junk=st.binary(max_size=20), options=OPTIONS)
def test_any_parquet_table_whole_or_damaged(events: bytes, junk: bytes, options: list[str]) -> None:
    imported_or_refused({"log.parquet": events}, "in/log.parquet", options)
    imported_or_refused({"log.parquet": events[: len(events) // 2] + junk}, "in/log.parquet", options)
