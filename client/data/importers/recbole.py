"""RecBole's atomic files: NAME.item and NAME.inter, or NAME.train.inter, NAME.valid.inter, NAME.test.inter.

The header names each field and its type (``user_id:token``); a sequence lies in one field, cut by blanks.
Source: https://recbole.io/docs/user_guide/data/atomic_files.html
"""

import polars as pl

from client.data.folder_options import Said
from client.data.importers.imported import ImportedPlatform, joined_text, positions
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TSV, TextTable, read_text_table
from shared.errors import DataError

_TYPES = ("token", "token_seq", "float", "float_seq")
_PARTS = ("train", "valid", "test")
_TEXT_TOKENS = ("title", "name", "brand", "category", "categories", "genre", "genres", "class")
"""Single tokens that belong into an item's text; of sequences of tokens all do."""


def import_recbole(source: Source) -> ImportedPlatform:
    """One event per interaction; an item's text is its title or name, then its other texts.

    Where interactions carry a list of earlier items (``item_id_list:token_seq``), each user's longest row is
    his sequence. Where there is no timestamp, it is the position in the user's sequence.
    """
    items = _typed(read_text_table(source.one("*.item"), source.scratch, TSV))
    tables = [_typed(read_text_table(file, source.scratch, TSV)) for file in _inter_files(source)]
    item_field = "item_id" if "item_id" in items[1] else items[0].rows.columns[0]
    frames = [_interactions(table, item_field) for table in tables]
    rows, notes = _timed(pl.concat(frames, how="diagonal_relaxed"), [table for table, _ in tables], source.said)
    return ImportedPlatform(items=_items(items, item_field), events=_events(rows), notes=notes)


def _timed(rows: pl.DataFrame, tables: list[TextTable], said: Said | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The interactions of all parts with their times, in one unit; and notes."""
    if "timestamp" not in rows.columns:
        return rows, ("the source has no time: timestamps are positions in each user's sequence",)

    def row(place: int) -> str:
        before = [sum(one.rows.height for one in tables[:number]) for number in range(len(tables))]
        number = max(number for number, start in enumerate(before) if start <= place)
        return tables[number].row("timestamp")(place - before[number])

    times = imported_times(rows["timestamp"], rows["user_id"], row, said)
    return rows.with_columns(timestamp=times.values), times.notes


def _inter_files(source: Source) -> list[SourceFile]:
    """The whole file where there is one, else its parts in the order of time."""
    whole = [file for file in source.all("*.inter") if file.name.count(".") == 1]
    if whole:
        return [source.one(whole[0].name)]
    parts = [file for part in _PARTS for file in source.all(f"*.{part}.inter")]
    if not parts:
        return [source.one("*.inter")]
    names = {file.name.split(".")[0] for file in parts}
    if len(names) > 1:
        raise DataError(f"{source.label}: expected one data set, found {', '.join(sorted(names))}")
    return parts


def _typed(table: TextTable) -> tuple[TextTable, dict[str, str]]:
    """The table under its fields' names, and the type of each field."""
    pairs = [name.rpartition(":") for name in table.rows.columns]
    wrong = [name + colon + kind for name, colon, kind in pairs if kind not in _TYPES or not name]
    if wrong:
        expected = "fields like user_id:token (types " + ", ".join(_TYPES) + ")"
        raise DataError(f"{table.label}, line 1: expected {expected}, found {wrong[0][:40]}")
    rows = table.rows.rename({name + colon + kind: name for name, colon, kind in pairs})
    return TextTable(label=table.label, rows=rows, lines=table.lines), {name: kind for name, _, kind in pairs}


def _items(typed: tuple[TextTable, dict[str, str]], item_field: str) -> pl.DataFrame:
    table, kinds = typed
    ids = table.ids(item_field)
    table.refuse_repeats(ids, item_field)
    texts = [name for name, kind in kinds.items() if kind == "token_seq" or name in _TEXT_TOKENS]
    texts = sorted(
        (name for name in texts if name != item_field), key=lambda name: not ("title" in name or "name" in name)
    )
    others = {name: table.texts(name) for name in kinds if name not in (item_field, "text")}
    items = pl.DataFrame({"item_id": ids, **others})
    if not texts:
        return items.with_columns(text=pl.lit(""))
    text = joined_text(*(pl.lit(table.texts(name)) if name == "text" else pl.col(name) for name in texts))
    category = next((name for name in _TEXT_TOKENS[3:] if name in others), None)
    items = items.with_columns(text=text)
    return items.with_columns(category=pl.col(category)) if category else items


def _interactions(typed: tuple[TextTable, dict[str, str]], item_field: str) -> pl.DataFrame:
    """user_id, item_id, rating, and timestamp or the list of earlier items where there are any."""
    table, kinds = typed
    columns = {"user_id": table.ids("user_id"), "item_id": table.ids(item_field)}
    if f"{item_field}_list" in kinds:
        columns["earlier"] = table.texts(f"{item_field}_list").str.extract_all(r"\S+")
    elif "timestamp" in kinds:
        columns["timestamp"] = table.clock("timestamp")
    rating = next((name for name in ("rating", "weight") if name in kinds), None)
    if rating:
        columns["rating"] = table.numbers(rating).cast(pl.Float32)
    return pl.DataFrame(columns)


def _events(rows: pl.DataFrame) -> pl.DataFrame:
    if "earlier" in rows.columns:
        rows = _longest(rows)
    if "timestamp" not in rows.columns:
        rows = rows.with_columns(timestamp=positions())
    if "rating" not in rows.columns:
        rows = rows.with_columns(rating=pl.lit(1.0, pl.Float32))
    return rows.select("user_id", "item_id", "timestamp", "rating")


def _longest(rows: pl.DataFrame) -> pl.DataFrame:
    """Each user's longest sequence, of equally long ones the last, one row per item."""
    whole = pl.concat_list(pl.col("earlier").fill_null([]), pl.col("item_id"))
    ordered = rows.select("user_id", item_id=whole).sort(pl.col("item_id").list.len(), maintain_order=True)
    return ordered.unique("user_id", keep="last", maintain_order=True).explode("item_id")
