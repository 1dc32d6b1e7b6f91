"""Rows of a source that are wrong: the first one ends an import, or all of them are left out and listed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, TypeVar

import polars as pl

from shared.errors import DataError

Made = TypeVar("Made")
_SCHEMA = dict.fromkeys(("file", "place", "column", "reason", "row"), pl.String)
_MOST_LISTED = 1_000_000
"""Rows that are listed; further ones are counted."""


class Rows(Protocol):
    """A table whose rows stand somewhere in a file."""

    @property
    def label(self) -> str:
        """How errors name the file."""

    @property
    def unit(self) -> str:
        """What ``lines`` counts."""

    @property
    def rows(self) -> pl.DataFrame:
        """As they stand in the file."""

    @property
    def lines(self) -> pl.Series:
        """Where each row stands."""

    def filter(self, keep: pl.Series) -> Self:
        """The rows where ``keep`` is True."""


Table = TypeVar("Table", bound=Rows)


class BadRows(DataError):
    """Some rows of a table are wrong; the text is about the first of them."""

    def __init__(self, message: str, *, table: Rows, wrong: pl.Series, column: str, reason: str) -> None:
        super().__init__(message)
        self.table, self.wrong, self.column, self.reason = table, wrong, column, reason


@dataclass(eq=False)
class RefusedRows:
    """The rows that an import leaves out, each with its reason."""

    count: int = 0
    _rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    _places: set[tuple[str, str]] = field(default_factory=set)
    _lines: dict[str, set[int]] = field(default_factory=dict)

    def add(self, bad: BadRows) -> None:
        """Take note of the wrong rows of a table."""
        table = bad.table.filter(bad.wrong)
        for line, row in zip(table.lines.to_list(), table.rows.rows(), strict=True):
            self.add_line(table.label, f"{table.unit} {line}", bad.column, bad.reason, json.dumps(row, default=str))
            self._lines.setdefault(table.label, set()).add(line)

    def add_line(self, label: str, place: str, column: str, reason: str, row: str) -> None:
        """Take note of a line that could not be cut into fields, or of a row; once, however often it is read.

        Args:
            label: of the file.
            place: of the line in the file.
            column: that is wrong.
            reason: what was expected, in words.
            row: as it stands in the file.
        """
        if (label, place) in self._places:
            return
        self._places.add((label, place))
        self.count += 1
        if len(self._rows) < _MOST_LISTED:
            self._rows.append((label, place, column, reason, row))

    def without(self, table: Table) -> Table:
        """The table's rows that were not refused yet."""
        lines = self._lines.get(table.label)
        return table.filter(~table.lines.is_in(sorted(lines))) if lines else table

    @property
    def first(self) -> str:
        """The first row's file, place, column and reason; empty where no row was refused."""
        if not self._rows:
            return ""
        label, place, column, reason, _ = self._rows[0]
        return f"{label}, {place}: {f'column {column}: ' if column else ''}{reason}"

    def write(self, path: Path) -> None:
        """A CSV with file, place, column, reason and the row's fields as JSON; raises DataError."""
        try:
            pl.DataFrame(self._rows, schema=_SCHEMA, orient="row").write_csv(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error})") from error


def tolerantly(make: Callable[[Table], Made], table: Table, refused: RefusedRows | None) -> Made:
    """Make something of a table, without the rows that it refuses if there is a list of those.

    Args:
        make: works on the table; may raise BadRows.
        table: the rows.
        refused: gets the rows that are left out; None: a wrong row is an error.

    Returns:
        what ``make`` made of the rows that are left.

    Raises:
        BadRows: if rows are wrong and there is no list, or they are not rows of this table.
    """
    while True:
        try:
            return make(table)
        except BadRows as bad:
            if refused is None or bad.table.lines is not table.lines:
                raise
            bad.table = table  # a column may have been changed for its reading
            refused.add(bad)
            table = table.filter(~bad.wrong)
