"""What lists know of a platform folder beyond what is fitted on: items that nobody has met, every user's history.

n items of the prepared platform, m items that join its catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.folder_options import Preparation
from client.data.platform import Platform
from client.data.preparation import counted_events, in_sequence_order, items_in_range
from client.data.published import published_times
from client.data.ragged import offsets_of
from client.data.sequences import Sequences, select
from client.data.splitting import known_times


@dataclass(frozen=True, eq=False, kw_only=True)
class AddedItems:
    """m items that join a catalogue."""

    item_ids: tuple[str, ...]
    """[m]"""
    texts: tuple[str, ...]
    """[m]"""
    categories: tuple[str, ...] | None = None
    """[m] or None"""
    vectors: NDArray[np.float32] | None = None
    """[m, D] given vectors, or None"""
    published: NDArray[np.float64] | None = None
    """[m] seconds since 1970, NaN where nobody knows; None where nobody says"""
    name: str = "new items"
    """whose they are, for messages"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Listed:
    """The items that join the catalogue, and all users of the folder."""

    items: AddedItems
    user_ids: tuple[str, ...]
    """[U]"""
    sequences: Sequences
    """[U] rows of the catalogue, those of ``items`` after the platform's; empty where nothing a user met is in it"""


def listed(
    folder: PlatformFolder, preparation: Preparation, platform: Platform, *, by_vector: bool, seed: int
) -> Listed:
    """What lists hold and know beyond a platform that was prepared from the folder.

    Args:
        folder: tables as they were read.
        preparation: with which the platform was prepared.
        platform: what was prepared of the folder; n items.
        by_vector: whether an item is described by a vector too, not by a text alone.
        seed: with which the platform was prepared.

    Returns:
        m items that join the catalogue, and all users' histories on the n + m items.
    """
    counted = counted_events(folder.events, preparation)
    items = _unmet_items(folder, preparation, platform, counted, by_vector=by_vector, seed=seed)
    catalogue = _as_ids((*platform.item_ids, *items.item_ids), folder.items, "item_id")
    rows = pl.DataFrame({"item_id": catalogue, "item": np.arange(len(catalogue), dtype=np.int32)})
    met = counted.join(rows, on="item_id", how="inner", maintain_order="left")
    user_ids, sequences = _histories(folder, met, platform, seed)
    return Listed(items=items, user_ids=user_ids, sequences=sequences)


def _unmet_items(
    folder: PlatformFolder,
    preparation: Preparation,
    platform: Platform,
    counted: pl.DataFrame,
    *,
    by_vector: bool,
    seed: int,
) -> AddedItems:
    """Described items that nothing was fitted on.

    Out stay items that the ``items`` range cuts, and those of which every event is rated too low to count: who has met
    them does not want them.
    """
    known = _as_ids(platform.item_ids, folder.items, "item_id").to_frame()
    refused = folder.events.select("item_id").join(counted, on="item_id", how="anti")
    unmet = folder.items.with_row_index("row").filter(_described(folder, by_vector=by_vector))
    unmet = unmet.join(items_in_range(folder, preparation.items, seed), left_on="item_id", right_on="id", how="semi")
    for out in (known, refused):
        unmet = unmet.join(out, on="item_id", how="anti")
    unmet = unmet.sort("row")
    return AddedItems(
        item_ids=tuple(unmet["item_id"].cast(pl.String).to_list()),
        texts=tuple(unmet["text"].to_list()),
        categories=None if platform.categories is None else tuple(unmet["category"].cast(pl.String).fill_null("")),
        vectors=None if folder.vectors is None or not by_vector else folder.vectors[unmet["row"].to_numpy()],
        published=published_times(unmet),
    )


def _described(folder: PlatformFolder, *, by_vector: bool) -> pl.Series:
    """[items] True where an item has a text, or a vector that says something."""
    described = folder.items["text"].str.strip_chars() != ""
    if folder.vectors is None or not by_vector:
        return described
    return described | pl.Series(folder.vectors.any(axis=1))


def _histories(
    folder: PlatformFolder, met: pl.DataFrame, platform: Platform, seed: int
) -> tuple[tuple[str, ...], Sequences]:
    """Users and their sequences: every counted event on the catalogue, ``met``, with the row of each ``item``.

    What is held out of a fit, or lies outside its ``time``, was met all the same. A prepared user who has met no more
    than what is fitted on has the platform's sequence.
    """
    prepared = _as_ids(platform.user_ids, folder.events, "user_id").to_frame().with_row_index("number")
    prepared = prepared.with_columns(fitted=pl.Series(platform.sequences.lengths()))
    prepared = prepared.join(met.group_by("user_id").len("met"), on="user_id", how="left", maintain_order="left")
    steady = prepared.filter(pl.col("fitted") == pl.col("met"))
    users = folder.events.select("user_id").unique().join(steady, on="user_id", how="anti").sort("user_id")
    events = in_sequence_order(met.join(steady, on="user_id", how="anti"), platform.ordered, seed)
    counts = users.join(events.group_by("user_id").len(), on="user_id", how="left", maintain_order="left")["len"]
    sequences = select(platform.sequences, steady["number"].to_numpy().astype(np.int64))
    lengths = np.concatenate([sequences.lengths(), counts.fill_null(0).to_numpy().astype(np.int64)])
    items = np.concatenate([sequences.items, events["item"].to_numpy()])
    times = None
    if sequences.times is not None:
        times = np.concatenate([sequences.times, known_times(events).to_numpy().astype(np.float64)])
    names = pl.concat([steady["user_id"], users["user_id"]]).cast(pl.String)
    return tuple(names.to_list()), Sequences(offsets=offsets_of(lengths), items=items, times=times)


def _as_ids(names: Sequence[str], table: pl.DataFrame, column: str) -> pl.Series:
    """Ids as text in the type that they have in a table."""
    return pl.Series(column, names, dtype=pl.String).cast(table.schema[column])
