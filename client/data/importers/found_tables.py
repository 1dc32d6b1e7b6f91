"""Which files of a folder, an archive or an option hold the user's events and items, and how each is cut."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import polars as pl

from client.data.importers.csv_settings import OUR_NAMES, CsvMap
from client.data.importers.form import JSON_NAMES, Form
from client.data.importers.form_items import EVENTS_OWN
from client.data.importers.json_blocks import json_fields
from client.data.importers.quotes import HINT
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_blocks import SEPARATORS, Dialect
from client.data.importers.text_table import TextTable
from client.data.importers.time_format import polars_formats
from shared.errors import DataError

KINDS = ("csv", "tsv", "txt", "dat", "json", "jsonl", "ndjson", "parquet")
_LOOKED_AT = 10_000
"""About so many rows tell a map: of a month's dates some can be read in one way alone."""
_TABLES = tuple(f"*.{kind}" for kind in KINDS)


@dataclass(frozen=True, kw_only=True)
class FoundTables:
    """The files of both tables; of a table in parts each part."""

    events: list[SourceFile]
    items: list[SourceFile]
    """none: the events describe the items"""


def found_tables(source: Source, settings: CsvMap) -> FoundTables:
    """Find the tables of a source.

    These are what the options name, else ``events.*`` and ``items.*``, files or folders of parts, else the only table.

    Args:
        source: a file, folder or archive.
        settings: may name the tables of events and items.

    Returns:
        files of events, and files of items, of which there may be none.

    Raises:
        DataError: if there is no table of events, or several could be.
    """
    every = [] if source.paths[0].is_file() and not _is_archive(source) else _with_bytes(_tables(source))
    items = _named(source, settings.items) if settings.items else _called(source, every, "items")
    if settings.events is not None:
        return FoundTables(events=_named(source, settings.events), items=items)
    events = _called(source, every, "events") or [file for file in every if file not in items]
    if every and not _called(source, every, "events") and not _are_parts(events):
        source.one(*(f"events.{kind}" for kind in KINDS))  # which says what is expected
    return FoundTables(events=events or [source.one(*_TABLES)], items=items)


def _is_archive(source: Source) -> bool:
    return any(file.member is not None for file in source.all("*"))


def _tables(source: Source) -> list[SourceFile]:
    return source.all(*_TABLES)


def _with_bytes(files: list[SourceFile]) -> list[SourceFile]:
    """Without the files of no bytes that Spark writes of parts without rows, where there are others."""
    return [file for file in files if file.member is not None or file.path.stat().st_size] or files


def _called(source: Source, files: list[SourceFile], name: str) -> list[SourceFile]:
    """The files of that name, or in a folder of that name; raises DataError where several files could be meant."""
    whole = [file for file in files if file.name.split(".")[0] == name]
    if len(whole) > 1:
        source.one(*(f"{name}.{kind}" for kind in KINDS))
    return whole or [file for file in files if name in {folder.split(".")[0] for folder in file.folders}]


def _are_parts(files: list[SourceFile]) -> bool:
    """Whether files are the parts of one table, as Spark, dask and hive write them, or one table alone."""
    kinds = {PurePosixPath(file.name).suffix for file in files}
    parts = all(file.name.startswith("part") or any("=" in folder for folder in file.folders) for file in files)
    return len(kinds) == 1 and (len(files) == 1 or parts or kinds == {".parquet"})


def _named(source: Source, path: Path) -> list[SourceFile]:
    """A file, or the parts in a folder, that an option names: in the source's folder, or where the path says."""
    inside = source.paths[0] / path
    place = replace(source, paths=(inside if inside.exists() else path,))
    if not place.paths[0].is_dir():
        return [place.one(*_TABLES)]
    files = _with_bytes(place.some(*_TABLES))
    if not _are_parts(files):
        raise DataError(f"{place.label}: expected the parts of one table, found {files[0].name} and {files[-1].name}")
    return files


def form_of(file: SourceFile, settings: CsvMap, *, items: bool = False) -> Form:
    """How a file is cut, and what its columns are called.

    Args:
        file: CSV, TSV, JSON lines or Parquet, by its name.
        settings: map our column names to the file's, and may say how it is cut.
        items: whether it is of items; else of events.

    Returns:
        the form.
    """
    form = named_form(settings, items=items)
    if file.name.endswith(JSON_NAMES):
        return replace(form, further=json_fields(file, settings.encoding) if items else ())
    if file.name.endswith(".parquet"):
        return form
    return replace(form, dialect=_dialect(file, settings), guards_quotes=settings.quotes is None)


def named_form(settings: CsvMap, *, items: bool = False) -> Form:
    """What the columns of a table are called, however it is cut.

    Args:
        settings: map our column names to the table's.
        items: whether it is of items; else of events.

    Returns:
        the form.
    """
    ours = [name for name in OUR_NAMES if name != "items.item_id" and not (items and name in EVENTS_OWN)]
    columns = {name: settings.theirs(name) for name in ours}
    if items:
        columns["item_id"] = settings.columns.get("items.item_id", columns["item_id"])
    formats = polars_formats(settings.time_format) if settings.time_format is not None else ()
    return Form(
        columns=columns,
        header=None if items else settings.header,
        encodings=(settings.encoding,),
        times=formats,
        no_time=settings.no_time,
    )


def _dialect(file: SourceFile, settings: CsvMap) -> Dialect:
    """What the user says of it; else the separator is that of a line ``sep=;``, or the most frequent one."""
    first = (file.head(settings.encoding) or [""])[0]
    separator = settings.separator or max(SEPARATORS, key=first.count)
    if first.lower().startswith("sep=") and len(first) > len("sep="):
        separator = settings.separator or first[len("sep=") :]
    quote = None if settings.quotes == "text" else '"'
    return Dialect(separator=separator, quote=quote, hint=HINT, decimal=settings.decimal)


def first_rows(files: list[SourceFile], source: Source, settings: CsvMap, *, items: bool = False) -> TextTable:
    """Rows of the start of a table, all of its columns; of JSON lines, all fields of the first one.

    Args:
        files: the table, or its parts, one or more; the first that has rows counts, for Spark's first may have none.
        source: gives a scratch folder for what has to be unpacked.
        settings: may say how the file is cut.
        items: whether it is of items; else of events.

    Returns:
        some of its first rows, evenly spaced, as strings.

    Raises:
        DataError: if the file cannot be read.
    """
    table = _first_block(files[0], source, settings, items=items)
    for file in files[1:]:
        if table.rows.height:
            break
        table = _first_block(file, source, settings, items=items)
    return replace(table, rows=spaced(table.rows), lines=spaced(table.lines.to_frame()).to_series())


def _first_block(file: SourceFile, source: Source, settings: CsvMap, *, items: bool) -> TextTable:
    form = form_of(file, settings, items=items)
    if file.name.endswith(JSON_NAMES):
        form = replace(form, further=json_fields(file, settings.encoding), columns={})
    return next(form.blocks(file, source, whole=True))


def spaced(rows: pl.DataFrame) -> pl.DataFrame:
    """As many rows as tell a map, evenly spaced."""
    return rows.gather_every(max(1, rows.height // _LOOKED_AT))
