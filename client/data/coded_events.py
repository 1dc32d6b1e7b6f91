"""Events with whole numbers in the place of ids, and the steps on them whose memory is bounded by a block of events.

The code of an id is its rank among all ids of its kind, so that events in the order of codes are in that of ids. Four
bytes each, where an id of a folder takes eight, or a text sixteen and itself. E events, K ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.tables import TIME_KNOWN

BLOCK_EVENTS = 1_000_000
"""Events that a step looks at together."""
_ORDER = ("user_id", TIME_KNOWN, "timestamp")
"""Events without a known time come before all others of their user."""


@dataclass(frozen=True, eq=False)
class IdCodes:
    """All ids of a kind."""

    ids: pl.Series
    """[K] distinct, sorted; the code of each is its place"""

    @classmethod
    def of(cls, *columns: pl.Series) -> "IdCodes":
        """The codes of all ids in some columns of one type."""
        distinct = [column.unique() for column in columns]
        return cls(pl.concat([ids.rename("id") for ids in distinct]).unique().drop_nulls().sort())

    def __len__(self) -> int:
        return len(self.ids)

    def code(self, column: pl.Series) -> NDArray[np.int32]:
        """The code of each id of a column [E]; −1 where it is null or none of these."""
        known = pl.DataFrame({"id": self.ids, "code": np.arange(len(self), dtype=np.int32)}).lazy()
        codes = np.empty(len(column), np.int32)
        for part in blocks(len(column)):
            block = column[part]
            runs = block.rle_id().to_numpy()  # an id that stands in several rows on end is looked up once
            first = np.flatnonzero(np.diff(runs, prepend=-1))
            named = block.gather(first).alias("id").to_frame().lazy()
            met = named.join(known, on="id", how="left", maintain_order="left").collect()["code"]
            codes[part] = met.fill_null(-1).to_numpy()[runs]
        return codes

    def decode(self, codes: pl.Series) -> pl.Series:
        """The id of each code, under the name of its column; null for −1."""
        return self.ids.gather(codes.to_frame().select(pl.when(pl.first() >= 0).then(pl.first())).to_series()).alias(
            codes.name
        )

    def members(self, ids: pl.Series) -> NDArray[np.bool_]:
        """[K] whether each id is one of ``ids``."""
        inside = np.zeros(len(self), bool)
        codes = self.code(ids)
        inside[codes[codes >= 0]] = True
        return inside


def coded(events: pl.DataFrame, users: IdCodes, items: IdCodes) -> pl.DataFrame:
    """The columns that preparation needs, ids as their codes.

    Args:
        events: table of events, E rows.
        users: codes of all users in it.
        items: codes of all items in it.

    Returns:
        [E] user_id, item_id, timestamp, rating, time_known and ``row``, the place among the events.
    """
    return events.select(
        pl.Series("user_id", users.code(events["user_id"])),
        pl.Series("item_id", items.code(events["item_id"])),
        "timestamp",
        "rating",
        TIME_KNOWN,
    ).with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))


def kept(events: pl.DataFrame, mask: NDArray[np.bool_]) -> pl.DataFrame:
    """Some of the events; the table itself, and no copy, where it is all of them.

    Args:
        events: E of them.
        mask: [E] whether an event is kept.

    Returns:
        those that are.
    """
    return events if mask.all() else events.filter(pl.Series(mask))


def in_time_order(events: pl.DataFrame) -> pl.DataFrame:
    """The events by user, then time, ties in the order of rows; the table itself where it is so already."""
    return events if _is_ordered(events) else events.sort(*_ORDER, "row")


def _is_ordered(events: pl.DataFrame) -> bool:
    user, known, time = (pl.col(name) for name in _ORDER)
    later = (known > known.shift()) | ((known == known.shift()) & (time >= time.shift()))
    follows = (user > user.shift()) | ((user == user.shift()) & later)
    starts = range(0, events.height, BLOCK_EVENTS)
    blocks = (events.lazy().slice(max(start - 1, 0), BLOCK_EVENTS + 1) for start in starts)
    return all(block.select(follows.slice(1).fill_null(value=False).all()).collect().item() for block in blocks)


def without_repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Each user's first event on an item.

    Args:
        events: E coded ones, by user.
    """
    users, items = events["user_id"].to_numpy(), events["item_id"].to_numpy()
    width = int(items.max(initial=0)) + 2  # one more for an id that is null
    first = np.empty(events.height, bool)
    for start, stop in _blocks_of_users(users):
        pairs = (users[start:stop] - users[start]).astype(np.int64) * width + items[start:stop] + 1
        first[start:stop] = pl.Series(pairs).is_first_distinct().to_numpy()
    return kept(events, first)


def _blocks_of_users(users: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Stretches of about ``BLOCK_EVENTS`` events that hold all of each of their users'."""
    start = 0
    while start < len(users):
        stop = min(start + BLOCK_EVENTS, len(users))
        stop = int(np.searchsorted(users, users[stop - 1], side="right"))
        yield start, stop
        start = stop


def with_enough_events(
    events: pl.DataFrame, least: dict[str, int], counted: NDArray[np.bool_] | None, passes: int
) -> pl.DataFrame:
    """The events whose ids have enough of them, column by column, several times over.

    Args:
        events: E coded ones.
        least: counted events of an id, by column; an id with none of them stays.
        counted: [E] which events count; None for all.
        passes: how often each column is looked at.

    Returns:
        those that are left.
    """
    columns = {name: events[name].to_numpy() for name in least}
    stays = np.ones(events.height, bool)
    for _ in range(passes):
        before = int(stays.sum())
        for name, codes in columns.items():
            counts = _counts(codes, stays if counted is None else stays & counted)
            _keep(stays, codes, (counts >= least[name]) | (counts == 0))
        if int(stays.sum()) == before:
            break
    return kept(events, stays)


def with_long_lists(events: pl.DataFrame, least: int) -> pl.DataFrame:
    """The events of users who have enough of them.

    Args:
        events: E coded ones.
        least: events of a user.

    Returns:
        those of the users who stay.
    """
    users, stays = events["user_id"].to_numpy(), np.ones(events.height, bool)
    _keep(stays, users, _counts(users, stays) >= least)
    return kept(events, stays)


def _counts(codes: NDArray[np.int32], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[K] counted events of each code."""
    counts = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
    for block in blocks(len(codes)):
        counts += np.bincount(codes[block][counted[block]], minlength=len(counts))
    return counts


def _keep(stays: NDArray[np.bool_], codes: NDArray[np.int32], good: NDArray[np.bool_]) -> None:
    """Let none stay [E] but those whose code is a good one [K]."""
    for block in blocks(len(codes)):
        stays[block] &= good[codes[block]]


def looked_up(values: NDArray[np.int32], codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The value of each code, with no index of eight bytes for all of them at once.

    Args:
        values: [K] by code.
        codes: [E]

    Returns:
        [E] values.
    """
    of_events = np.empty(len(codes), np.int32)
    for block in blocks(len(codes)):
        of_events[block] = values[codes[block]]
    return of_events


def of_codes(events: pl.DataFrame, column: str, good: NDArray[np.bool_]) -> pl.DataFrame:
    """The events that name one of some ids.

    Args:
        events: E coded ones.
        column: user_id or item_id.
        good: [K] by code, whether it is one of them.

    Returns:
        those that do.
    """
    stays = np.ones(events.height, bool)
    _keep(stays, events[column].to_numpy(), good)
    return kept(events, stays)


def named_codes(events: pl.DataFrame, column: str, count: int) -> NDArray[np.bool_]:
    """Which ids events name.

    Args:
        events: E coded ones.
        column: user_id or item_id.
        count: ids of the kind, K.

    Returns:
        [K] by code, whether an event names it.
    """
    named = np.zeros(count, bool)
    named[events[column].to_numpy()] = True
    return named


def blocks(count: int) -> Iterator[slice]:
    """Stretches of ``BLOCK_EVENTS`` rows, which together are ``count``."""
    for start in range(0, count, BLOCK_EVENTS):
        yield slice(start, min(start + BLOCK_EVENTS, count))
