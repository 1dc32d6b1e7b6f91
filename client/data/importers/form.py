"""What a table of a data set looks like: which files hold it, how they are cut, and what its columns are called."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from client.data.importers.json_blocks import json_blocks
from client.data.importers.parquet_blocks import parquet_blocks
from client.data.importers.source import Source, SourceFile, fitting_encoding
from client.data.importers.text_blocks import CSV, Dialect, text_blocks
from client.data.importers.text_table import TextTable

JSON_NAMES = (".json", ".jsonl", ".ndjson")
Names = str | tuple[str, ...]
"""What a column is called, or what it is called in one version of a data set or another."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A table of events or of items."""

    files: tuple[str, ...] = ()
    """patterns of the names of its files"""
    but: str | None = None
    """a pattern of names that are no such files"""
    columns: Mapping[str, Names] = field(default_factory=dict)
    """our name -> theirs; ``text`` may join several columns with ``+``"""
    header: tuple[str, ...] | None = None
    """the columns' names where the first line does not say them"""
    dialect: Dialect = CSV
    encodings: tuple[str, ...] = ("utf-8",)
    """the first that fits counts"""
    times: tuple[str, ...] = ()
    """how times are written, as polars says it; none: numbers, or ISO 8601"""
    no_time: bool = False
    """true where there are no times: the order of the rows counts"""
    rating: float | None = None
    """of each row, where no column says it"""
    levels: Mapping[str, float] = field(default_factory=dict)
    """what a word in the rating's column is worth"""
    further: tuple[str, ...] = ()
    """fields of JSON lines that are kept beside those that are named"""
    guards_quotes: bool = False
    """true where a quotation mark may stand in a text by chance"""
    between: tuple[int, int] | None = None
    """seconds since 1970 before and after which a time is known to be wrong; such rows are left out and counted"""
    prepare: Callable[[TextTable], TextTable] | None = None
    """what a format needs of its own: changes a block before anything is read of it"""

    def names(self, name: str) -> tuple[str, ...]:
        """What a table may call our column; several texts each by their own name."""
        columns = self.columns.get(name, ())
        columns = (columns,) if isinstance(columns, str) else columns
        return tuple(
            part.strip() for column in columns for part in (column.split("+") if name == "text" else (column,))
        )

    def called(self, table: TextTable, name: str) -> str | None:
        """What this table calls our column, rather one that holds something.

        Args:
            table: may call a column in several ways, or lack it.
            name: our name of the column.

        Returns:
            the table's name; None where it has no such column.
        """
        there = [column for column in self.names(name) if column in table.rows.columns]
        filled = [column for column in there if table.rows[column].null_count() < table.rows.height]
        return next(iter(filled or there), None)

    def require(self, table: TextTable, *names: str, hint: str = "") -> dict[str, str]:
        """Require columns of a table.

        Args:
            table: must have them, under one of the names that the form knows.
            *names: our names of the columns.
            hint: what the error says is to be done.

        Returns:
            our names -> this table's.

        Raises:
            DataError: if columns are missing; it names all of them.
        """
        columns = {name: self.called(table, name) for name in names}
        missing = [" or ".join(self.names(name)) for name, theirs in columns.items() if theirs is None]
        if missing:
            table.require(*missing, hint=hint)
        return {name: theirs for name, theirs in columns.items() if theirs is not None}

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that may be read."""
        return tuple(dict.fromkeys(column for name in self.columns for column in self.names(name)))

    def blocks(self, file: SourceFile, source: Source, *, whole: bool = False) -> Iterator[TextTable]:
        """Read a file's rows, many at a time.

        Args:
            file: is cut as the form says.
            source: gives a scratch folder for what has to be unpacked.
            whole: whether all columns of a Parquet file are wanted.

        Yields:
            tables of strings, prepared as the format needs.
        """
        for table in self._blocks(file, source, whole=whole):
            yield table if self.prepare is None else self.prepare(table)

    def _blocks(self, file: SourceFile, source: Source, *, whole: bool) -> Iterator[TextTable]:
        if file.name.endswith(".parquet"):
            ids = {*self.names("user_id"), *self.names("item_id")}
            yield from parquet_blocks(file, source.scratch, ids, None if whole else self.wanted)
            return
        encoding = fitting_encoding(file, self.encodings)
        if file.name.endswith(JSON_NAMES):
            yield from json_blocks(file, tuple(dict.fromkeys((*self.wanted, *self.further))), encoding)
        else:
            yield from text_blocks(file, self.dialect, columns=self.header, encoding=encoding)

    def found(self, source: Source) -> list[SourceFile]:
        """Its files; raises DataError where there is none."""
        return source.some(*self.files, but=self.but)
