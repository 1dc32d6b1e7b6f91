"""Events of one user at one time: an order for those whose source has none, and how many there are."""

import hashlib

import polars as pl


def tied(events: pl.DataFrame) -> pl.Series:
    """[events] whether each shares its user and its time with another one."""
    return events.select("user_id", "timestamp").is_duplicated()


def by_user_and_time(events: pl.DataFrame, *, draw_ties: bool) -> pl.DataFrame:
    """The events by user, then time.

    Args:
        events: user_id, item_id, timestamp and rating.
        draw_ties: whether tied events stand as drawn by their ids, wherever they stood before; else as they stood.

    Returns:
        all of the events, sorted.
    """
    events = events.sort("user_id", "timestamp", maintain_order=True)
    same = [pl.col(name) == pl.col(name).shift() for name in ("user_id", "timestamp")]
    as_before = events.select((same[0] & same[1]).fill_null(value=False).alias("same")).to_series()
    rows = (as_before | as_before.shift(-1, fill_value=False)).arg_true()
    if rows.is_empty() or not draw_ties:
        return events
    drawn = in_seeded_order(events[rows].with_columns(row=rows)).sort("user_id", "timestamp", maintain_order=True)
    return events[pl.int_range(events.height, dtype=pl.UInt32, eager=True).scatter(rows, drawn["row"])]


def in_seeded_order(events: pl.DataFrame) -> pl.DataFrame:
    """Another order of rows, in which tied events stand as drawn by their ids, wherever they stood before."""
    drawn = pl.Series("draw", [0], dtype=pl.UInt64).new_from_index(0, events.height)
    rows = tied(events).arg_true()
    pairs = events[rows].select("user_id", "item_id").cast(pl.String).fill_null("")
    drawn = drawn.scatter(rows, pl.Series([_draw(*pair) for pair in pairs.rows()], dtype=pl.UInt64))
    return events.with_columns(drawn).sort("draw", "item_id", "rating", maintain_order=True).drop("draw")


def _draw(user: str, item: str) -> int:
    name = f"ties\0{user}\0{item}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
