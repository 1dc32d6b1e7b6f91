"""What every importer hands over: tables in the shape of the data contract, and what was left out and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from client.data.ids import Meeting, in_one_form
from client.data.positives import unwanted_note
from client.data.tables import counted
from client.data.violations import find_violations
from shared.errors import DataError

_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ImportedPlatform:
    """The tables of one platform folder, and notes for the user."""

    items: pl.DataFrame
    """item_id, text (never empty), and further columns"""
    events: pl.DataFrame
    """user_id, item_id, timestamp, rating, and further columns; by user, then time"""
    impressions: pl.DataFrame | None = None
    """user_id, timestamp, history, candidates, labels"""
    notes: tuple[str, ...] = ()
    """What the importer left out or made up, one sentence each."""

    def __repr__(self) -> str:
        sizes = counted(self.items, self.events, self.impressions)
        return "\n".join([f"{type(self).__name__}: {sizes}", *(f"- {note}" for note in self.notes)])


def finished(imported: ImportedPlatform, *, keep_unknown: bool = False) -> ImportedPlatform:
    """Sort the events, give every item a text, and refuse tables that would break the contract.

    An item that events mention and the source does not describe is kept, with its id as its text.

    Args:
        imported: what an importer read.
        keep_unknown: whether to go on where more than half of the items are of that kind.

    Returns:
        the tables in the shape of the data contract, with further notes.

    Raises:
        DataError: if there is no event, more than half of the items are not described, or a row breaks the contract.
    """
    if imported.events.is_empty():
        raise DataError("the source holds no event")
    imported = _with_ids_in_one_form(imported)
    if not keep_unknown:
        _require_known_items(imported)
    events = by_user_then_time(imported.events)
    items, notes = _described(imported)
    notes = imported.notes + notes + unwanted_note(events["rating"])
    whole = replace(imported, items=items, events=events, notes=notes)
    for broken in find_violations(
        items=items, events=events, impressions=whole.impressions, vectors=None, vectors_file="", limit=1
    ):
        raise DataError(
            f"the source would give {broken.file} whose column {broken.column} is wrong in "
            f"{broken.count} rows: {broken.problem}"
        )
    return whole


def by_user_then_time(events: pl.DataFrame) -> pl.DataFrame:
    """The events sorted by user, then time; those of one user and time stay in their order.

    By one column after the other: polars takes four times as long to keep the order of equal rows in a sort by both.
    """
    users = events["user_id"]
    if users.dtype == pl.String:
        users = users.cast(pl.Enum(users.unique().sort())).to_physical()
    rows = pl.DataFrame({"user": users, "time": events["timestamp"]}).with_row_index("row")
    rows = rows.sort("time", maintain_order=True).sort("user", maintain_order=True)
    return events[rows["row"]]


def _with_ids_in_one_form(imported: ImportedPlatform) -> ImportedPlatform:
    tables = {"items": imported.items, "events": imported.events}
    if imported.impressions is not None:
        tables["impressions"] = imported.impressions
    tables = in_one_form(tables)
    return replace(imported, items=tables["items"], events=tables["events"], impressions=tables.get("impressions"))


def _require_known_items(imported: ImportedPlatform) -> None:
    meeting = Meeting.of(imported.events["item_id"], imported.items["item_id"])
    if meeting.fails:
        raise DataError(
            f"only {meeting}; write ids alike in both, or give --keep-unknown-items to describe each unknown item by "
            "its id"
        )


def only_used_items(imported: ImportedPlatform) -> ImportedPlatform:
    """Leave out the items that no event and no impression mentions."""
    items = imported.items.join(_mentioned(imported), on="item_id", how="semi", maintain_order="left")
    left_out = imported.items.height - items.height
    note = f"{left_out:,} items that no event mentions left out"
    return replace(imported, items=items, notes=(*imported.notes, note))


def _described(imported: ImportedPlatform) -> tuple[pl.DataFrame, tuple[str, ...]]:
    missing = _mentioned(imported).join(imported.items, on="item_id", how="anti").sort("item_id")
    items = pl.concat([imported.items, missing], how="diagonal")
    strings = pl.col(pl.String).exclude("item_id").fill_null("")
    empty = pl.col("text").fill_null("").str.strip_chars() == ""
    nameless = items.filter(empty).height
    as_text = pl.when(empty).then(pl.col("item_id").cast(pl.String)).otherwise(pl.col("text"))
    items = items.with_columns(strings).with_columns(as_text.alias("text"))
    note = f"{nameless:,} items have no description: their id stands as their text"
    unknown = f" ({missing.height:,} of them are not in the table of items)" if missing.height else ""
    return items, (note + unknown,) if nameless else ()


def _mentioned(imported: ImportedPlatform) -> pl.DataFrame:
    """Every item id of the events and impressions once, as a frame of one column."""
    parts = [imported.events.select("item_id")]
    if imported.impressions is not None:
        for name in ("history", "candidates"):
            lists = imported.impressions.select(pl.col(name).alias("item_id"))
            parts.append(lists.explode("item_id").drop_nulls())
    return pl.concat(parts, how="vertical").unique()


def in_one_table(files: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of several files, one below the other, and which ``file`` each is of."""
    numbered = [rows.with_columns(file=pl.lit(number)) for number, rows in enumerate(files)]
    return pl.concat(numbered, how="diagonal_relaxed")


def without_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without rows that stand in an earlier ``file`` exactly, and without that column; and a note that counts them."""
    alone = rows.drop("file")
    if rows["file"].n_unique() < 2:
        return alone, ()
    distinct = rows.filter(pl.col("file") == pl.col("file").min().over(alone.columns)).drop("file")
    left_out = rows.height - distinct.height
    return distinct, (f"{left_out:,} rows that repeat one of an earlier file exactly left out",) if left_out else ()


def first_filled(rows: pl.DataFrame) -> pl.DataFrame:
    """Each ``item_id`` once, in the order of its first row, with the first text of each column that is not empty."""
    others = pl.col(pl.String).exclude("item_id")
    filled = rows.with_columns(pl.when(others != "").then(others).name.keep())
    return (
        filled.group_by("item_id", maintain_order=True)
        .agg(pl.all().drop_nulls().first())
        .with_columns(pl.col(pl.String).fill_null(""))
    )


def with_whole_ids(whole: ImportedPlatform) -> ImportedPlatform:
    """Ids as integers where all of a kind are whole numbers, as they were in the tables."""
    items, events = in_one_form({"items": whole.items, "events": whole.events}).values()
    if _all_whole(events["user_id"]):
        events = events.with_columns(pl.col("user_id").cast(pl.Int64))
    if all(_all_whole(table["item_id"]) for table in (items, events)):
        items, events = (table.with_columns(pl.col("item_id").cast(pl.Int64)) for table in (items, events))
    return replace(whole, items=items, events=events)


def _all_whole(ids: pl.Series) -> bool:
    return ids.dtype == pl.Int64 or bool(ids.str.contains(_WHOLE).all())


def items_of_events(events: pl.DataFrame) -> pl.DataFrame:
    """The items that events name, without a text, where a source does not describe them."""
    return events.select(pl.col("item_id").unique(maintain_order=True)).with_columns(text=pl.lit(""))


def joined_text(*columns: pl.Expr) -> pl.Expr:
    """``title. category. more``: the columns that hold something, one sentence each."""
    clean = [column.fill_null("").str.strip_chars().str.strip_chars_end(".") for column in columns]
    filled = [pl.when(column != "").then(column) for column in clean]
    return pl.concat_str(filled, separator=". ", ignore_nulls=True)


def positions(user: str = "user_id") -> pl.Expr:
    """Int64 0-based position of a row among its user's rows: the timestamp where only order is known."""
    return pl.int_range(pl.len(), dtype=pl.Int64).over(user)
