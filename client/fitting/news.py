"""What has come since a record was served, on the rows of the record: events, users and items.

U users, n items: those of the record, and behind them new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.listed import AddedItems, listed
from client.data.platform import Examples, Platform, frozen
from client.data.preparation import prepare
from client.data.sequences import Sequences, select, take
from client.data.source import platform_name
from client.features.item_features import PRECOMPUTED, given_vectors
from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import Reports, preparing_options, read_data, served_users
from client.recommender.catalogue_update import with_added
from client.recommender.served_catalogue import ServedUsers
from client.recommender.served_head import ServedHead
from client.scorers.cooccurrence import Change, Matrix
from shared.errors import DataError
from shared.seeding import rng_for

JUDGES = 300
"""Users whose newest events say whether weights move."""
_ROUNDING = 1e-5
"""of a vector's numbers"""
_ANEW = "'graft-client fit' without --since fits it anew"


@dataclass(frozen=True, eq=False, kw_only=True)
class News:
    """What a folder holds now, on the rows of the served record."""

    grown: ServedHead
    """the record over all items of now, with the statistics and users of before"""
    users: ServedUsers
    """of now"""
    counted: Sequences
    """[U] their events that statistics count"""
    change: Change
    shown: EventLog
    published: NDArray[np.float64] | None
    """[n] seconds since 1970, NaN where nobody knows"""
    within: float | None
    """seconds between two events of one basket, at most"""


def read_news(before: ServedHead, folder: Path, settings: FitSettings, reports: Reports | None) -> News:
    """What a folder holds now, beside what is served.

    Args:
        before: the served record.
        folder: the platform's.
        settings: of the fit that made the record.
        reports: what callers reported while the platform served; None adds nothing to the folder.

    Returns:
        What has changed.

    Raises:
        InputError: if the input is bad, or the record cannot be refreshed by it.
    """
    _require_tellable(before, settings, folder)
    data = read_data(folder, settings, reports)
    if not data.timed:
        raise DataError(f"{folder}: since expects events with times, found an order alone; {_ANEW}")
    platform = prepare(data, settings.preparation, name=platform_name(folder), seed=settings.seed)
    by_vector = before.space.name == PRECOMPUTED
    beyond = listed(data, settings.preparation, platform, by_vector=by_vector, seed=settings.seed)
    users = served_users(platform, beyond)
    if users.counted is None:
        raise DataError(f"{folder}: since expects that all events of counted users count; some do not; {_ANEW}")
    gone = set(before.items.item_ids).difference(data.items["item_id"].cast(pl.String))
    if gone:
        raise DataError(f"{folder}: {len(gone):,} of the served items are not among its items any more; {_ANEW}")
    items = _all_items(platform, beyond.items)
    grown = with_added(before, _new_or_changed(before, items, by_vector=by_vector))
    row_of = {item: row for row, item in enumerate(grown.items.item_ids)}
    rows = np.array([row_of[item] for item in items.item_ids], np.int32)
    size = len(row_of)
    is_counted = np.zeros(size, bool)
    is_counted[rows[: platform.n_items]] = True
    users = replace(users, sequences=replace(users.sequences, items=rows[users.sequences.items]))
    counted = users.counted_on(is_counted)
    shown = platform.shown or EventLog.of(Sequences.none())
    return News(
        grown=replace(grown, reports_until=0 if reports is None else reports.until),
        users=users,
        counted=counted,
        change=change_of(before, users, counted, grown.statistics, size),
        shown=replace(shown, items=rows[shown.items]),
        published=None if items.published is None else _on_rows(items.published, rows, size),
        within=platform.held_out.within,
    )


def _require_tellable(before: ServedHead, settings: FitSettings, folder: Path) -> None:
    """Raise DataError unless the record tells what it has counted, under the same options."""
    if before.users.counted is None:
        raise DataError(f"{folder}: since needs a record that tells whose events it has counted; {_ANEW}")
    if before.users.sequences.times is None:
        raise DataError(f"{folder}: since expects a record of events with times, found an order alone; {_ANEW}")
    had = {"features": before.features, **before.prepared_with}
    wanted = {"features": settings.features, **preparing_options(settings)}
    for key in sorted(wanted.keys() | had.keys()):
        if had.get(key) != wanted.get(key):
            was, now = (options.get(key, "left out") for options in (had, wanted))
            raise DataError(f"{folder}: since expects the options of the last fit: {key} {was}, found {now}; {_ANEW}")


def _on_rows(values: NDArray[np.float64], rows: NDArray[np.int32], size: int) -> NDArray[np.float64]:
    """[size] the values in their rows, NaN elsewhere."""
    placed = np.full(size, np.nan)
    placed[rows] = values
    return placed


def _all_items(platform: Platform, others: AddedItems) -> AddedItems:
    """Those of a platform, then those that it does not fit on."""
    published = [times for times in (platform.published, others.published) if times is not None]
    vectors = None
    if platform.vectors is not None and others.vectors is not None:
        vectors = np.concatenate([platform.vectors, others.vectors])
    categories = None
    if platform.categories is not None:
        categories = (*platform.categories, *(others.categories or ("",) * len(others.item_ids)))
    return AddedItems(
        item_ids=(*platform.item_ids, *others.item_ids),
        texts=(*platform.texts, *others.texts),
        categories=categories,
        vectors=vectors,
        published=np.concatenate(published) if published else None,
        name=platform.name,
    )


def _new_or_changed(before: ServedHead, items: AddedItems, *, by_vector: bool) -> AddedItems:
    """Of all items of now those that the record lacks, or knows by another text, category or vector."""
    known = before.items
    row_of = {item: row for row, item in enumerate(known.item_ids)}
    rows = np.array([row_of.get(item, -1) for item in items.item_ids], np.int64)
    none = ("",) * len(items.item_ids)
    categories = known.categories or ("",) * len(known.item_ids)
    differs = np.array(
        [
            row < 0 or text != known.texts[row] or (category and category != categories[row])
            for row, text, category in zip(rows, items.texts, items.categories or none, strict=True)
        ],
        bool,
    )
    if by_vector:
        there = np.flatnonzero(rows >= 0)
        moves = given_vectors(items)[there] - known.catalogue.features[rows[there]]
        differs[there] |= np.abs(moves).max(axis=1, initial=0) > _ROUNDING
    places = np.flatnonzero(differs)
    return AddedItems(
        item_ids=tuple(items.item_ids[place] for place in places),
        texts=tuple(items.texts[place] for place in places),
        categories=None if items.categories is None else tuple(items.categories[place] for place in places),
        vectors=None if items.vectors is None else items.vectors[places],
        published=None if items.published is None else items.published[places],
        name=items.name,
    )


def change_of(
    before: ServedHead, users: ServedUsers, counted: Sequences, statistics: Mapping[str, Matrix], n_items: int
) -> Change:
    """Which users have other counted events than the record has counted.

    Args:
        before: the record.
        users: of now.
        counted: [U] their counted events.
        statistics: those of the record, for a catalogue of n items.
        n_items: n.

    Returns:
        The change, with users who have gone from the folder as users without an event.
    """
    known = np.asarray(statistics["popularity"]) > 0
    earlier = before.users.counted_on(known)
    row_of = {user: row for row, user in enumerate(before.users.user_ids)}
    rows = np.array([row_of.get(user, -1) for user in users.user_ids], np.int64)
    gone = np.setdiff1d(np.arange(len(earlier)), rows)
    had = _or_none(earlier, np.concatenate([rows, gone]))
    have = _or_none(counted, np.concatenate([np.arange(len(rows)), np.full(len(gone), -1)]))
    shorter = np.minimum(had.lengths(), have.lengths())
    both, owners = np.arange(len(had)), np.repeat(np.arange(len(had)), shorter)
    first, second = (take(sequences, both, shorter) for sequences in (had, have))
    common, other = shorter.copy(), np.flatnonzero(first.items != second.items)
    np.minimum.at(common, owners[other], other - first.offsets[owners[other]])
    changed = np.flatnonzero((common < had.lengths()) | (common < have.lengths()))
    return Change(
        before=select(had, changed),
        after=select(have, changed),
        common=common[changed],
        statistics=statistics,
        n_items=n_items,
    )


def _or_none(sequences: Sequences, rows: NDArray[np.int64]) -> Sequences:
    """The lists in some rows; an empty one for −1."""
    return take(sequences, np.maximum(rows, 0), np.where(rows < 0, 0, sequences.lengths()[rows]))


def newest_events(change: Change, moment: float, n_items: int, seed: int) -> Examples:
    """The first new event of users whose other events are as they were, as of the moment from which events are new.

    Args:
        change: of users.
        moment: seconds since 1970 from which events are new.
        n_items: items that may be predicted, the first of the catalogue.
        seed: of which users, where there are many.

    Returns:
        An example of each of ``JUDGES`` users at most.
    """
    users = np.flatnonzero((change.common == change.before.lengths()) & (change.common > 0))
    users = users[change.after.lengths()[users] > change.common[users]]
    places = change.after.offsets[users] + change.common[users]
    asked = (change.after.clock[places] >= moment) & (change.after.items[places] < n_items)
    users, places = users[asked], places[asked]
    drawn = np.sort(rng_for(seed, "newest events").permutation(len(users))[:JUDGES])
    histories = replace(select(change.before, users[drawn]), moments=change.after.clock[places[drawn]])
    return frozen(Examples(users=users[drawn], histories=histories, targets=change.after.items[places[drawn]]), moment)
