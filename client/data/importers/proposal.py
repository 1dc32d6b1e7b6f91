"""A map from our column names to those of a user's table, proposed from the names and from what the columns hold."""

import re
import shlex
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from client.data.importers.column_names import EXTRA_TEXT, MOMENTS, WORDS, joined, plain, without_unit
from client.data.importers.csv_settings import CsvMap
from client.data.importers.found_tables import first_rows, found_tables
from client.data.importers.refused_rows import RefusedRows
from client.data.importers.source import Source
from client.data.importers.text_table import TextTable, are_thousands
from client.data.positives import like_rating
from client.data.written_times import from_iso, has_two_readings

_PERSONS = ("name", "nom", "nombre")
"""Beside events these may be names of users."""
_COMMA = r"^-?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+$"
_POINT = r"^-?(?:\d+|\d{1,3}(?:,\d{3})+)\.\d+$"
_NEEDED = ("user_id", "item_id", "timestamp")
_NUMBER = r"^-?\d+([.,]\d+)?$"
_TWO_NUMBERS = (
    r"^(?<first>\d{1,2})(?<mark>[-/.])(?<second>\d{1,2})[-/.](?<year>\d{4}|\d{2})"
    r"(?<clock>(?<comma>,?) \d{1,2}:\d{2}(?<seconds>:\d{2})?(?<half> ?(?i:am|pm))?)?$"
)
_MONTHS = 12
_ONE_WAY = r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_OTHER_DAYS = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%m-%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d/%b/%Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
_WORD = r"\p{L}{2,}"
_FEW_WORDS = 2.0
_ROWS = 1000
_HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What was found."""

    columns: dict[str, str]
    """our name -> theirs, as ``--map`` takes it"""
    open: tuple[str, ...]
    """our columns for which none of theirs is sure"""
    problem: str
    """what was expected and found, where something is open"""
    time_format: str | None = None
    """how dates are written, as ``--time-format`` takes it; None where nothing needs to be said, or nobody knows"""
    decimal: str | None = None
    """what stands before the fraction of a number, where it is no point; None where nothing needs to be said"""
    second_table: bool = False
    """whether a second table may describe the items, of which nothing is known but their ids"""

    @property
    def pairs(self) -> dict[str, str]:
        """Our names -> theirs; what is open stands as COLUMN."""
        return {**self.columns, **dict.fromkeys(self.open, "COLUMN")}

    def applied(self, settings: CsvMap) -> CsvMap:
        """The settings with what is proposed; a format of times that they say already stays."""
        return replace(
            settings,
            columns=self.columns,
            time_format=settings.time_format or self.time_format,
            decimal=self.decimal or settings.decimal,
        )

    def command(self, source: Path, out: Path, words: Sequence[str]) -> str:
        """The whole command with the map in it; what is open stands as COLUMN.

        Args:
            source: what the user pointed at.
            out: the platform folder to be written.
            words: of the user's own command; those after the third are kept, except the source, ``--out`` and its
                folder.

        Returns:
            a line for a shell.
        """
        other_words = (
            [word for word in words[3:] if word not in (str(source), str(out), "--out")] if len(words) > 3 else []
        )
        mapped = ",".join(f"{ours}={theirs}" for ours, theirs in self.pairs.items())
        dated = [] if self.time_format is None else ["--time-format", self.time_format]
        marked = [] if self.decimal is None else ["--decimal", self.decimal]
        mapping = ["--map", mapped] if mapped else []
        parts = [
            "graft-client",
            "import",
            "csv",
            str(source),
            "--out",
            str(out),
            *mapping,
            *dated,
            *marked,
            *other_words,
        ]
        return shlex.join(parts)


def proposed_map(path: Path, settings: CsvMap, encoding: str | None) -> Proposal | None:
    """A map proposed for a user's tables.

    Args:
        path: file, folder or archive of the tables.
        settings: what the user said already.
        encoding: in which the files are written; None where the user does not say.

    Returns:
        the map; None where the columns are called as ours, or hold nothing.

    Raises:
        DataError: if a table cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="graft-import-") as scratch:
        source = Source(paths=(path,), scratch=Path(scratch), encoding=encoding, refused=RefusedRows())
        tables = found_tables(source, settings)
        events = first_rows(tables.events, source, settings)
        items = first_rows(tables.items, source, settings, items=True) if tables.items else None
    return proposal_of(events, items, settings)


def proposal_of(events: TextTable, items: TextTable | None, settings: CsvMap) -> Proposal | None:
    """A map proposed for tables that were read.

    Args:
        events: rows of the table of events, with all of its columns.
        items: rows of the table of items; None: the events describe them.
        settings: what the user said already.

    Returns:
        the map; None where the columns are called as ours.
    """
    needed = [name for name in _NEEDED if not (settings.no_time and name == "timestamp")]
    described = events if items is None else items
    if all(name in events.rows.columns for name in needed) and "text" in described.rows.columns:
        return None
    return _proposal(events, items, needed, dated=settings.time_format is not None)


def _proposal(events: TextTable, items: TextTable | None, needed: list[str], *, dated: bool) -> Proposal:
    columns = {name: column for name in needed if (column := _best(events, name, dated=dated)) is not None}
    taken = set(columns.values())
    if "timestamp" in needed and "timestamp" not in columns and (dates := _dates(events, taken)) is not None:
        columns["timestamp"] = dates
        taken.add(dates)
    described = events if items is None else items
    text = [
        name for name in _texts(described) if items is not None or (name not in taken and plain(name) not in _PERSONS)
    ]
    if not text and (longest := _longest_texts(described, taken)) is not None:
        text = [longest]
    columns |= {"text": "+".join(text)} if text else {}
    nameless = items is not None and "item_id" in columns and columns["item_id"] not in items.rows.columns
    if items is not None and nameless:
        ours = _best(items, "item_id") or _meeting(events.rows[columns["item_id"]], items)
        columns |= {"items.item_id": ours} if ours is not None else {}
    category = _best(described, "category")
    columns |= {"category": category} if category is not None and category not in text else {}
    rating = like_rating(name for name in events.rows.columns if name not in taken)
    columns |= {"rating": rating} if rating is not None and _numeric(events, rating) else {}
    names = (*needed, *(() if items is None else ("text",)), *(("items.item_id",) if nameless else ()))
    missing = tuple(name for name in names if name not in columns)
    renamed = {ours: theirs for ours, theirs in columns.items() if ours != theirs}
    kinds = [f"{name} of type {events.without_text[name]}" for name in missing if name in events.without_text]
    event_columns = ", ".join([*kinds, *events.rows.columns[:20]])
    of_items = "" if items is None else f"; {items.label}: {', '.join(items.rows.columns[:20])}"
    columns_of = "column" if len(missing) == 1 else "columns"
    problem = f"{events.label}: expected the {columns_of} {', '.join(missing)}, found {event_columns}{of_items}"
    written = None if dated or "timestamp" not in columns else _written(events.rows[columns["timestamp"]])
    return Proposal(
        columns=renamed,
        open=missing,
        problem=problem,
        time_format=written,
        decimal="," if events.decimal == "." and _has_commas(events) else None,
        second_table=items is None and not text,
    )


def _has_commas(table: TextTable) -> bool:
    """Whether numbers of the table have a comma before their fraction, and none a point; thousands are no fractions."""
    values = pl.concat([_first(table, column).rename("") for column in table.rows.columns])
    commas, points = (values.filter(values.str.contains(number)) for number in (_COMMA, _POINT))
    return bool((~are_thousands(commas, ",")).any() and are_thousands(points, ".").all())


def _best(table: TextTable, name: str, *, dated: bool = False) -> str | None:
    """The column whose name is the surest for ours, and whose values could be it."""
    called = _called(table, in_units=name == "timestamp")
    columns = [called[joined(word)] for word in WORDS[name] if joined(word) in called]
    return next((column for column in columns if dated or _could_be(table, column, name)), None)


def _called(table: TextTable, *, in_units: bool = False) -> dict[str, str]:
    """Joined plain name -> column, the first of each; a field within another by its own name too.

    Args:
        table: the columns' own.
        in_units: whether a name may say a unit of time.
    """
    columns = list(reversed(table.rows.columns))
    inner = {joined(column.rpartition(".")[2]): column for column in columns if table.part == "field"}
    units = {joined(without_unit(column)): column for column in columns} if in_units else {}
    return units | inner | {joined(column): column for column in columns}


def _could_be(table: TextTable, column: str, name: str) -> bool:
    """Whether the values of a column could be ours: times are numbers or dates, however these are read."""
    values = _first(table, column)
    if name != "timestamp" or values.is_empty():
        return True
    times = from_iso(values.str.strip_chars()).is_not_null() | has_two_readings(values)
    return bool((values.str.contains(_NUMBER) | times).all()) or _in_other_form(values.str.strip_chars()) is not None


def _dates(table: TextTable, taken: Set[str]) -> str | None:
    """The only column that is called like a time, else the only one that holds dates alone; None where none is sure."""
    columns = [name for name in table.rows.columns if name not in taken and len(_first(table, name))]
    named = [name for name in columns if re.search(MOMENTS, without_unit(name)) and _could_be(table, name, "timestamp")]
    dated = named or [name for name in columns if _are_dates(_first(table, name))]
    return dated[0] if len(dated) == 1 else None


def _first(table: TextTable, column: str) -> pl.Series:
    """The first values of a column that are there."""
    return table.rows[column].drop_nulls().head(_ROWS)


def _written(times: pl.Series) -> str | None:
    """How dates are written that are not in ISO 8601, where some of them can be read in one way alone."""
    distinct = times.drop_nulls().unique().str.strip_chars()
    return _day_and_month(distinct) or _in_other_form(distinct)


def _in_other_form(distinct: pl.Series) -> str | None:
    """How dates such as 31 Dec 2020 or 2020/12/31 are written, which nobody reads in two ways."""
    one_way = distinct.str.contains(_ONE_WAY) & from_iso(distinct).is_null()
    if not one_way.any() or not bool(distinct.str.contains(_ONE_WAY).all()):
        return None
    formats = (day + clock for day in _OTHER_DAYS for clock in _CLOCKS)
    return next((written for written in formats if _fits(distinct, written)), None)


def _fits(distinct: pl.Series, written: str) -> bool:
    return not distinct.str.to_datetime(written, strict=False, time_unit="us").null_count()


def _day_and_month(distinct: pl.Series) -> str | None:
    """How dates such as 31/12/2020 23:59 or 12/31/2020 11:59 PM are written."""
    parts = distinct.str.extract_groups(_TWO_NUMBERS).struct.unnest()
    marks = ("seconds", "clock", "half")
    shape = ("mark", pl.col("year").str.len_chars(), pl.col("comma").fill_null(""))
    shapes = parts.select(*shape, *(pl.col(name).is_not_null() for name in marks)).unique()
    if parts.is_empty() or parts["mark"].null_count() or shapes.height != 1:
        return None
    first, second = (parts[name].cast(pl.Int64) for name in ("first", "second"))
    if (first > _MONTHS).any() == (second > _MONTHS).any():
        return None
    mark, year, comma, seconds, clock, half = shapes.row(0)
    days = ("%d", "%m") if (first > _MONTHS).any() else ("%m", "%d")
    date = mark.join((*days, "%Y" if year == len("2020") else "%y"))
    if not clock:
        return str(date)
    blank = " " if half and parts["half"][0].startswith(" ") else ""
    end = (":%S" if seconds else "") + (f"{blank}%p" if half else "")
    return f"{date}{comma} {'%I' if half else '%H'}:%M{end}"


def _are_dates(values: pl.Series) -> bool:
    written = values.str.strip_chars()
    times = (from_iso(written).is_not_null() & ~written.str.contains(_NUMBER)) | has_two_readings(written)
    return bool(times.all())


def _longest_texts(table: TextTable, taken: Set[str]) -> str | None:
    """The column of the most words, two or more on average, whatever it is called; dates and numbers are no words."""
    words: dict[str, float] = {}
    for column in table.rows.columns:
        values = _first(table, column)
        if column not in taken and len(values) and not _are_dates(values):
            words[column] = float(values.str.count_matches(_WORD).cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    best = max(words, key=lambda column: words[column], default=None)
    return best if best is not None and words[best] >= _FEW_WORDS else None


def _texts(table: TextTable) -> list[str]:
    """The column that is called like an item's text, and a brand or maker beside it."""
    best = _best(table, "text")
    called = _called(table)
    more = [called[joined(word)] for word in EXTRA_TEXT if joined(word) in called]
    return [best, *(name for name in more if name != best)] if best is not None else []


def _meeting(ids: pl.Series, items: TextTable) -> str | None:
    """The column of items, each value once, that holds most of these ids, and at least half of them."""
    named = ids.drop_nulls().unique()
    shares = {
        column: int(named.is_in(items.rows[column].drop_nulls().unique().implode()).sum()) / max(1, len(named))
        for column in items.rows.columns
        if items.rows[column].n_unique() == items.rows.height
    }
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= _HALF else None


def _numeric(table: TextTable, name: str) -> bool:
    values = _first(table, name)
    return bool(values.str.contains(rf"{_NUMBER}|{_COMMA}|{_POINT}|(?i)^(true|false)$").all())
