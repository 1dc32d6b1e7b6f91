"""One sequence a user, put together from rows that each hold a list of earlier items and the item that came next."""

from collections.abc import Iterable

import polars as pl

_END = "\t"
"""Ends each item of a row as one text; no field of an atomic file holds it."""


def sequences(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """user_id and item_id in order, from ``user_id``, ``earlier``, ``item_id`` and maybe ``rating``; and notes.

    A row that continues what shorter and former rows hold adds its item, so that lists may be whole or windows of one
    length. What cannot be joined leaves the longer, of equally long ones the latter. An item rated 0 or less is none
    that the user came to.
    """
    rows = rows if "rating" in rows.columns else rows.with_columns(rating=1.0)
    rows = rows.with_columns(pl.col("earlier").fill_null([]), unwanted=pl.col("rating").fill_null(1.0) <= 0)
    came = pl.when("unwanted").then("earlier").otherwise(pl.concat_list("earlier", "item_id"))
    listed = rows.select("user_id", item_id=came)
    listed = listed.filter(pl.col("item_id").list.len() > 0)
    whole = _put_together(listed)
    return whole, (*_unwanted_note(int(rows["unwanted"].sum())), *_lost_note(listed, whole))


def _put_together(listed: pl.DataFrame) -> pl.DataFrame:
    ordered = listed.sort(pl.col("item_id").list.len(), maintain_order=True)
    texts = ordered.select("user_id", pl.col("item_id").list.join(_END) + _END)
    users = texts.group_by("user_id", maintain_order=True).agg("item_id")
    joined = [_joined(row).removesuffix(_END).split(_END) for row in users["item_id"]]
    return users.select("user_id", item_id=pl.Series(joined, dtype=pl.List(pl.String))).explode("item_id")


def _joined(rows: Iterable[str]) -> str:
    whole = ""
    for row in rows:
        earlier, item = _without_last(row)
        if _END + row in _END + whole:
            continue
        if _END + earlier in _END + whole:
            whole += item
        else:
            whole = max(row, whole, key=lambda text: text.count(_END))
    return whole


def _without_last(row: str) -> tuple[str, str]:
    start = row.rfind(_END, 0, -1) + 1
    return row[:start], row[start:]


def _unwanted_note(rows: int) -> tuple[str, ...]:
    """A sentence that counts them; nothing where there are none."""
    return (f"{rows:,} rows rated 0 or less (not clicked, disliked): their last item is left out",) if rows else ()


def _lost_note(listed: pl.DataFrame, whole: pl.DataFrame) -> tuple[str, ...]:
    named = listed.explode("item_id").unique()
    lost = named.join(whole, on=("user_id", "item_id"), how="anti")
    users = lost["user_id"].n_unique()
    note = f"{lost.height:,} items of {users:,} users left out: the lists that hold them do not join the longest one"
    return (note,) if lost.height else ()
