"""Any CSV, TSV or Parquet tables, read through a map from our column names to theirs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import polars as pl

from client.data.importers.csv_settings import CsvMap
from client.data.importers.form import Form
from client.data.importers.form_events import EventRows, read_file, timed_events
from client.data.importers.form_items import named_items, texts_of
from client.data.importers.found_tables import form_of, found_tables
from client.data.importers.imported import ImportedPlatform, first_filled, with_whole_ids
from client.data.importers.refused_rows import tolerantly
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TextTable, unread_note
from client.data.positives import like_rating
from client.data.published import PUBLISHED
from shared.errors import DataError

_IDS_ARE_TEXTS = (
    "nothing describes items: each one's id is its text (--map text=COLUMN, or --items FILE, a second table)"
)
_MOST_NOTES = 3
"""Of one kind: a folder may hold a thousand parts."""


def import_csv(source: Source, settings: CsvMap | None = None) -> ImportedPlatform:
    """One event per row; items from their own table, or the distinct items of the events.

    Args:
        source: holds CSV, TSV, JSON lines or Parquet tables.
        settings: maps our column names to the tables'; None where they are called alike.

    Returns:
        the tables, and notes on what was left out.

    Raises:
        DataError: if a value is wrong; it names the file and line, or the row of a Parquet file.
    """
    settings = settings or CsvMap()
    tables = found_tables(source, settings)
    files = [(form_of(file, settings), file) for file in tables.events]
    rows = EventRows()
    with_items: list[pl.DataFrame] | None = None if tables.items else []
    for form, file in files:
        look = partial(require_event_columns, form, settings, describes=with_items is not None)
        take = None if with_items is None else partial(_take_items, form, settings, with_items)
        read_file(rows, form, file, source, look=look, take=take)
    events, notes = timed_events(rows, source.said, no_time=settings.no_time)
    if with_items is None:
        items, further = _read_items(tables.items, source, settings)
    else:
        items, further = first_filled(pl.concat(with_items, how="diagonal_relaxed")), ()
    unread = _unread_notes(rows, settings, with_items is not None)
    if with_items is not None:
        further = ids_are_texts_note(items, settings)
    whole = ImportedPlatform(items=items, events=events, notes=notes + unread + further)
    return with_whole_ids(whole)


def require_event_columns(form: Form, settings: CsvMap, table: TextTable, *, describes: bool) -> None:
    """Require what is read of a table of events.

    Args:
        form: what its columns are called.
        settings: maps our column names to the table's.
        table: is looked at.
        describes: whether it describes the items too.

    Raises:
        DataError: if columns are missing; it names all of them.
    """
    names = ["user_id", "item_id", *([] if settings.no_time else ["timestamp"])]
    names += ["rating"] if "rating" in settings.columns else []
    missing = [name for name in names if form.called(table, name) is None]
    described = describes and not _ids_are_texts(settings, table)
    texts = [name for name in form.names("text") if name not in table.rows.columns] if described else []
    if missing:
        require_mapped(table, settings, missing, texts)
    if texts:
        raise _no_text(table, texts)


def items_in_events(form: Form, settings: CsvMap, table: TextTable) -> pl.DataFrame:
    """The items of a table of events, each once; where nothing describes them, their ids are their texts.

    Args:
        form: what its columns are called.
        settings: maps our column names to the table's.
        table: rows of events.

    Returns:
        item_id, text, and category and published where there are such columns.
    """
    if _ids_are_texts(settings, table):
        form = replace(form, columns={**form.columns, "text": form.columns["item_id"]})
    return named_items(table, form)


def _take_items(form: Form, settings: CsvMap, items: list[pl.DataFrame], table: TextTable) -> None:
    items.append(items_in_events(form, settings, table))


def _ids_are_texts(settings: CsvMap, table: TextTable) -> bool:
    """Whether nobody says what describes items, and the table has no column of that name."""
    return "text" not in settings.columns and "text" not in table.rows.columns


def require_mapped(table: TextTable, settings: CsvMap, missing: list[str], texts: list[str]) -> None:
    """Require that no column is missing; the error names all that are, and the options that name them.

    Args:
        table: the table that was read.
        settings: maps our column names to the table's.
        missing: our names of columns that are missing.
        texts: the table's names of text columns that are missing.

    Raises:
        DataError: if a column is missing.
    """
    named = ",".join(f"{name}=COLUMN" for name in (*missing, *(["text"] if texts else [])))
    several = len(missing) + len(texts) > 1
    no_time = "; where there is none: --no-time" if "timestamp" in missing else ""
    hint = f" (name {'them' if several else 'it'}: --map {named}{no_time})"
    table.require(*(settings.theirs(name) for name in missing), *texts, hint=hint)


def _no_text(table: TextTable, missing: list[str]) -> DataError:
    columns = ", ".join(table.rows.columns[:20])
    return DataError(
        f"{table.label}: expected the column {', '.join(missing)} for the text of items, found {columns} "
        "(name the columns that describe an item: --map text=title+brand)"
    )


def _unread_notes(rows: EventRows, settings: CsvMap, describes: bool) -> tuple[str, ...]:
    """Which columns of the tables of events were not read."""
    described = {*_text_columns(settings), settings.theirs("category"), settings.theirs(PUBLISHED)}
    notes: list[str] = []
    for names, label in _alike(rows.unread).items():
        unread = [name for name in names if not (describes and name in described)]
        like = like_rating(name for name in unread if name not in described)
        hint = f" (to read a rating: --map rating={like})" if like else ""
        notes += unread_note(label, unread, hint)
    return tuple(notes[:_MOST_NOTES])


def _alike(unread: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The first file of each set of unread columns, and how many parts have the same."""
    labels: dict[tuple[str, ...], list[str]] = {}
    for label, names in unread.items():
        labels.setdefault(names, []).append(label)
    return {
        names: first if not others else f"{first} and {len(others):,} more"
        for names, (first, *others) in labels.items()
    }


def _read_items(files: list[SourceFile], source: Source, settings: CsvMap) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """All files of the table of items as one; and notes."""
    parts: list[pl.DataFrame] = []
    unread: dict[str, tuple[str, ...]] = {}
    for file in files:
        form = form_of(file, settings, items=True)
        tables = list(form.blocks(file, source, whole=True))
        table = replace(
            tables[0],
            rows=pl.concat([block.rows for block in tables]),
            lines=pl.concat([block.lines for block in tables]),
        )
        parts.append(tolerantly(partial(_items, settings=settings, form=form), table, source.refused))
        lost = {"text", "category", "vector", "vectors", *table.without_text}
        described = [*_text_columns(settings), settings.theirs("category"), settings.theirs(PUBLISHED)]
        read_columns = [name for name in table.rows.columns if name not in lost - set(described)]
        unread[table.label] = table.unread(*read_columns, *described)
    notes = [note for names, label in _alike(unread).items() for note in unread_note(label, names)]
    return pl.concat(parts, how="diagonal_relaxed"), tuple(notes[:_MOST_NOTES])


def require_item_columns(table: TextTable, settings: CsvMap) -> str:
    """Require what is read of a table of items.

    Args:
        table: is looked at.
        settings: maps our column names to the table's.

    Returns:
        what the table calls an item's id.

    Raises:
        DataError: if the id or a text is missing.
    """
    name = settings.theirs("items.item_id" if "items.item_id" in settings.columns else "item_id")
    if "items.item_id" not in settings.columns and name not in table.rows.columns:
        name = "item_id"
    table.require(name, hint=" (name it: --map items.item_id=COLUMN)")
    missing = [text for text in _text_columns(settings) if text not in table.rows.columns]
    if missing:
        raise _no_text(table, missing)
    return name


def _items(table: TextTable, settings: CsvMap, form: Form) -> pl.DataFrame:
    name = require_item_columns(table, settings)
    ids = table.ids(name)
    table.refuse_repeats(ids, name)
    further = [other for other in table.rows.columns if other not in (name, "item_id", PUBLISHED)]
    return pl.DataFrame({"item_id": ids}).with_columns(
        *texts_of(table, form),
        *(table.texts(other) for other in further if other not in ("text", "category", "vector", "vectors")),
    )


def ids_are_texts_note(items: pl.DataFrame, settings: CsvMap) -> tuple[str, ...]:
    """A sentence where nothing describes the items of a table of events.

    Args:
        items: read of the events.
        settings: maps our column names to the table's.

    Returns:
        the sentence; else nothing.
    """
    alike = "text" not in settings.columns and bool((items["text"] == items["item_id"].cast(pl.String)).all())
    return (_IDS_ARE_TEXTS,) if alike else ()


def _text_columns(settings: CsvMap) -> list[str]:
    return [name.strip() for name in settings.theirs("text").split("+")]
