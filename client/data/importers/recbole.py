"""RecBole's atomic files: NAME.item and NAME.inter, or NAME.train.inter, NAME.valid.inter, NAME.test.inter.

The header names each field and its type (``user_id:token``); a sequence lies in one field, cut by blanks.
Source: https://recbole.io/docs/user_guide/data/atomic_files.html
"""

import re
from collections.abc import Container, Mapping
from dataclasses import replace

import polars as pl

from client.data.folder_options import Said
from client.data.importers.imported import (
    ImportedPlatform,
    in_one_table,
    items_of_events,
    joined_text,
    positions,
    without_repeats,
)
from client.data.importers.imported_times import imported_times
from client.data.importers.sequences import sequences
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_blocks import TSV, read_text_table
from client.data.importers.text_table import TextTable, row_of
from shared.errors import DataError

Typed = tuple[TextTable, dict[str, str]]
"""A file under the names of its fields, and the type of each."""
_TYPES = ("token", "token_seq", "float", "float_seq")
_PARTS = ("train", "valid", "test")
_DOTTED = "*.*.inter"
"""The name of a part, and of no whole file."""
_TEXT_TOKENS = ("title", "name", "brand", "category", "categories", "genre", "genres", "class")
"""Single tokens that belong into an item's text, alone or as a part of a name; of sequences of tokens all do."""
_NO_TEXT_TOKENS = ("id", "code", "url", "num", "count")
"""Parts of the names of single tokens that do not."""
_TIMES = ("timestamp", "time", "ts", "datetime", "unix_time", "unixtime", "date_time", "event_time", "date")
_RATINGS = (
    *("rating", "ratings", "stars", "score", "overall", "label", "weight", "click", "play_count", "quantity"),
    *("is_click", "is_like", "is_buy"),
)
"""What fields of interactions are called, the first that is there counts."""
_USERS = ("user", "uid", "session", "visitor", "customer", "reviewer", "member")
"""Parts of the names of a user's field."""
_LIKE_TIMES = re.compile(r"time|(^|_)(date|day|ts|when|epoch)", re.IGNORECASE)
"""What a field of the time may be called besides."""


def import_recbole(source: Source) -> ImportedPlatform:
    """One event per interaction; an item's text is its title or name, then its other texts.

    Where interactions carry a list of earlier items (``item_id_list:token_seq``), a user's rows are put together to
    one sequence. Where there is no timestamp, it is the position in the user's sequence.
    """
    tables = [_typed(read_text_table(file, TSV)) for file in _inter_files(source)]
    described = [_typed(read_text_table(file, TSV)) for file in (source.each("*.item") if source.all("*.item") else ())]
    item_field = _item_field(tables[0], described)
    tables = [_with_user(table, item_field) for table in tables]
    rows, time_notes = _timed(in_one_table([_interactions(table, item_field) for table in tables]), tables, source.said)
    notes = tuple(dict.fromkeys(note for table in tables for note in _notes(table, item_field)))
    events, left_out = _events(rows)
    if not described:
        return ImportedPlatform(items=items_of_events(events), events=events, notes=time_notes + left_out + notes)
    items = pl.concat([_items(table, item_field) for table in described], how="diagonal_relaxed")
    items = items.unique("item_id", keep="first", maintain_order=True)
    return ImportedPlatform(items=items, events=events, notes=time_notes + left_out + notes)


def _item_field(table: Typed, described: list[Typed]) -> str:
    """The field of an item's id: ``item_id``, or the first of NAME.item; without that file the second token."""
    fields, kinds = table
    tokens = [name for name in fields.rows.columns if kinds[name] == "token"]
    known = [described[0][0].rows.columns[0]] if described else []
    named = [name for name in tokens if "item" in name.lower()]
    if described:
        return "item_id" if "item_id" in described[0][1] else known[0]
    if not named and len(tokens) < 2:
        raise DataError(f"{fields.label}, line 1: expected a token of users and one of items, found {tokens or 'none'}")
    return "item_id" if "item_id" in kinds else (named or tokens[1:])[0]


def _with_user(table: Typed, item_field: str) -> Typed:
    """The user's field under the name ``user_id``: of tokens one whose name says so, else the first."""
    fields, kinds = table
    tokens = [name for name in fields.rows.columns if kinds[name] == "token" and name != item_field]
    if "user_id" in kinds or not tokens:
        return table
    named = [name for name in tokens if any(word in name.lower() for word in _USERS)]
    user = (named or tokens)[0]
    renamed = {("user_id" if name == user else name): kind for name, kind in kinds.items()}
    return replace(fields, rows=fields.rows.rename({user: "user_id"})), renamed


def _timed(rows: pl.DataFrame, tables: list[Typed], time_meaning: Said | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The interactions of all files with their times, in one unit, exact repeats once; and notes."""
    if "timestamp" not in rows.columns:
        return rows.drop("file"), ("no time was read: timestamps are positions in each user's sequence",)
    row = row_of([(table, _first(_TIMES, kinds) or "timestamp") for table, kinds in tables])
    times = imported_times(rows["timestamp"], rows["user_id"], row, time_meaning)
    rows, repeats = without_repeats(rows.with_columns(timestamp=times.values))
    return rows, times.notes + repeats


def _notes(typed: Typed, item_field: str) -> tuple[str, ...]:
    """What of a file of interactions was not read; raises DataError where that may be the time."""
    table, kinds = typed
    earlier, time = f"{item_field}_list", _first(_TIMES, kinds)
    read = ["user_id", item_field, _first(_RATINGS, kinds) or "label", "label"]
    if earlier in kinds:
        return table.unread_note(*read, earlier)
    if time is None:
        _refuse_unread_time(table.label, table.unread(*read))
    return table.unread_note(*read, time or "timestamp")


def _refuse_unread_time(label: str, unread: tuple[str, ...]) -> None:
    """Raise DataError where a field may be the time under a name that is none of ours."""
    for name in unread:
        if _LIKE_TIMES.search(name):
            raise DataError(
                f"{label}: expected the time in a field {' or '.join(_TIMES)}, found {name}, which may be it: rename "
                "it to timestamp, or, to count positions instead, take it out of the file"
            )


def _first(names: tuple[str, ...], kinds: Container[str]) -> str | None:
    return next((name for name in names if name in kinds), None)


def _inter_files(source: Source) -> list[SourceFile]:
    """Of each of the source's paths the whole file where there is one, else its parts; all in the order of time."""
    source.some("*.inter")
    files = [file for part in source.apart() if part.all("*.inter") for file in _whole_or_parts(part)]
    return sorted(dict.fromkeys(files), key=_place)


def _whole_or_parts(source: Source) -> list[SourceFile]:
    if source.all("*.inter", but=_DOTTED):
        return [source.one("*.inter", but=_DOTTED)]
    parts = [file for part in _PARTS for file in source.all(f"*.{part}.inter")]
    names = {file.name.split(".")[0] for file in parts}
    if len(names) > 1:
        raise DataError(f"{source.label}: expected one data set, found {', '.join(sorted(names))}")
    return parts or [source.one("*.inter")]


def _place(file: SourceFile) -> int:
    """Where a part stands among the parts of its data set; a whole file has one."""
    part = file.name.split(".")[-2]
    return _PARTS.index(part) if part in _PARTS else 0


def _typed(table: TextTable) -> Typed:
    """The table under its fields' names, and the type of each field."""
    pairs = [name.rpartition(":") for name in table.rows.columns]
    wrong = [name + colon + kind for name, colon, kind in pairs if kind not in _TYPES or not name]
    if wrong:
        expected = "fields like user_id:token (types " + ", ".join(_TYPES) + ")"
        raise DataError(f"{table.label}, line 1: expected {expected}, found {wrong[0][:40]}")
    rows = table.rows.rename({name + colon + kind: name for name, colon, kind in pairs})
    return replace(table, rows=rows), {name: kind for name, _, kind in pairs}


def _items(typed: Typed, item_field: str) -> pl.DataFrame:
    table, kinds = typed
    ids = table.ids(item_field)
    table.refuse_repeats(ids, item_field)
    others = {name: table.texts(name) for name in kinds if name not in (item_field, "text")}
    items = pl.DataFrame({"item_id": ids, **others})
    texts = _texts(kinds, item_field)
    if not texts:
        return items.with_columns(text=pl.lit(""))
    text = joined_text(*(pl.lit(table.texts(name)) if name == "text" else pl.col(name) for name in texts))
    category = _first(_TEXT_TOKENS[3:], others)
    items = items.with_columns(text=text)
    return items.with_columns(category=pl.col(category)) if category else items


def _texts(kinds: Mapping[str, str], item_field: str) -> list[str]:
    """The fields that make up an item's text, its title or name first."""
    texts = [name for name, kind in kinds.items() if name != item_field and (kind == "token_seq" or _is_text(name))]
    return sorted(texts, key=lambda name: not ("title" in name or "name" in name))


def _is_text(name: str) -> bool:
    words = set(name.lower().split("_"))
    return bool(words & set(_TEXT_TOKENS)) and not words & set(_NO_TEXT_TOKENS)


def _interactions(typed: Typed, item_field: str) -> pl.DataFrame:
    """user_id, item_id, rating, and timestamp or the list of earlier items where there are any."""
    table, kinds = typed
    columns = {"user_id": table.ids("user_id"), "item_id": table.ids(item_field)}
    time, rating = _first(_TIMES, kinds), _first(_RATINGS, kinds)
    if f"{item_field}_list" in kinds:
        columns["earlier"] = table.texts(f"{item_field}_list").str.extract_all(r"\S+")
    elif time is not None:
        columns["timestamp"] = table.clock(time) if kinds[time] == "float" else table.clock_or_iso(time)
    if rating is not None:
        columns["rating"] = table.ratings(rating)
    interactions = pl.DataFrame(columns)
    return _with_negatives(interactions, table.ratings("label")) if {rating, "label"} <= set(kinds) else interactions


def _with_negatives(interactions: pl.DataFrame, labels: pl.Series) -> pl.DataFrame:
    """A label of 0 or less is the rating, whatever else the interaction is rated."""
    return interactions.with_columns(rating=pl.when(labels > 0).then("rating").otherwise(labels))


def _events(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The interactions in our columns, and notes on what lists of earlier items do not give."""
    notes: tuple[str, ...] = ()
    if "earlier" in rows.columns:
        rows, notes = sequences(rows)
    if "timestamp" not in rows.columns:
        rows = rows.with_columns(timestamp=positions())
    if "rating" not in rows.columns:
        rows = rows.with_columns(rating=pl.lit(1.0, pl.Float32))
    return rows.select("user_id", "item_id", "timestamp", "rating"), notes
