"""Quotation marks that enclose nothing: one opens a field by chance, and another one, lines later, closes it."""

from collections.abc import Callable
from functools import partial

import polars as pl

from client.data.importers.text_blocks import Dialect
from client.data.importers.text_table import TextTable

QUOTES = ("fields", "text")
"""What quotation marks do: they enclose fields, or stand in texts like any other character."""
HINT = (
    "; where quotation marks stand in texts and enclose no field: --quotes text; in a field that they enclose, each "
    'mark of its text has to stand twice ("")'
)
_EXPECTED = (
    "expected one field in quotation marks, found lines that are cut as those of the table; say --quotes text where "
    "quotation marks stand in texts, --quotes fields where they do enclose this"
)


class SwallowedLines:
    """Looks through blocks for fields that hold line ends where the lines around them have a row's separators.

    None is refused where a field within one line holds a separator: then the table is quoted on purpose.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._separator, self._quote = dialect.separator, dialect.quote
        self._quoted = dialect.quote is None
        self._found: Callable[[], None] | None = None

    def look(self, table: TextTable) -> None:
        """Look at a block."""
        if self._quoted or not table.marked or table.unit != "line" or table.part != "column" or not table.rows.width:
            return
        self._quoted = _is_quoted(table, self._separator)
        for place, name in enumerate(table.rows.columns):
            wrong = table.rows[name].str.contains("\n", literal=True).fill_null(value=False)
            if self._found is None and wrong.any():
                several = table.filter(wrong)
                like_rows = _like_rows(pl.col(name), self._separator, place, len(table.rows.columns) - 1)
                suspect = several.rows.select(like_rows).to_series()
                self._found = partial(several.refuse, suspect, name, _EXPECTED) if suspect.any() else None

    def refuse(self) -> None:
        """Raise DataError for the first such field, once all blocks were looked at."""
        if self._found is not None and not self._quoted:
            self._found()


def _like_rows(field: pl.Expr, separator: str, place: int, cuts: int) -> pl.Expr:
    """Whether the first line ends a row that is cut in so many places, the last begins one, and each between is one."""
    counts = field.str.split("\n").list.eval(pl.element().str.count_matches(separator, literal=True))
    between = counts.list.slice(1, counts.list.len() - 2).list.eval(pl.element() == cuts).list.all()
    return (counts.list.first() == cuts - place) & (counts.list.last() >= place) & between


def _is_quoted(table: TextTable, separator: str) -> bool:
    holds = pl.all().str.contains(separator, literal=True) & ~pl.all().str.contains("\n", literal=True)
    return bool(table.rows.select(pl.any_horizontal(holds)).to_series().any())
