"""From a platform folder as read to a prepared platform, in one fixed order.

1. events rated under ``min_rating`` dropped; where it is None, those rated 0 or less;
2. repeats to their first occurrence, unless the platform keeps them;
3. items, then users, under their minimum of events dropped, three passes, on the whole folder;
4. ``time`` range, percent of the events in time order, without users who were there before it; ``users`` and ``items``
   ranges, percent of a seeded order of the folder's ids;
5. the first ``max_users`` of that order;
6. where single events are predicted, clicks of validation and test impressions dropped but for a user's last event;
   of an impression that holds their validation or test event, the other clicks dropped;
7. users with fewer than three events dropped;
8. training users: ``fraction`` of the users, never fewer than 50, or ``train_users`` of them; test users are all that
   are left. Where the data grow while they are in use, each is drawn by their id (``draw_by_id``), else by their row;
9. what is held out of each user (client/data/splitting.py). Where time is cut, the minima count what comes before the
   first cut alone, and items and users that come later stay.

Where users are kept ``apart``, as under noise, nobody decides what becomes of another one: the catalogue is whatever
the folder lists, met or not, and who is drawn for what depends on their id alone (client/data/apart.py).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.apart import require_apart
from client.data.coded_events import (
    IdCodes,
    coded,
    in_time_order,
    kept,
    looked_up,
    named_codes,
    of_codes,
    with_enough_events,
    with_long_lists,
    without_repeats,
)
from client.data.contract import PlatformFolder
from client.data.folder_options import EventMinima, FolderOptions, Preparation, Range, Repeats
from client.data.impressions import FurtherUsers, without_held_out_clicks
from client.data.platform import Platform
from client.data.positives import is_wanted, unwanted_note
from client.data.published import published_times
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.data.shown import shown_log
from client.data.splitting import by_basket, draws, has_times, held_out, known_times, time_cuts
from client.data.violations import MIN_EVENTS, MIN_ITEMS
from shared.errors import TooFewUsers
from shared.seeding import rng_for

_LOG = logging.getLogger("graft.client")
CALIBRATION_SHARE = 0.2


def draw_by_id(ids: Sequence[str], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training users, and the calibration users among them, each by their id.

    Args:
        ids: [U] ids of the users.
        count: training users; all where there are fewer.
        seed: from which each id's place is drawn.

    Returns:
        rows of the training users, and rows of the calibration users; both sorted.
    """
    training = np.sort(np.argsort(draws(ids, seed, "training-users"), kind="stable")[:count])
    calibration = draws([ids[row] for row in training], seed, "weighting-users") < CALIBRATION_SHARE
    return training.astype(np.int64), training[calibration].astype(np.int64)


def draw_apart(ids: Sequence[str], fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and calibration users, where one more user changes nothing for the others.

    Args:
        ids: [U] ids of the users.
        fraction: share of the users that train, from 0 to 1; about so many are drawn.
        seed: from which each id's place is drawn.

    Returns:
        rows of the training users, and rows of the calibration users; both sorted.
    """
    return draw_by_id(ids, int((draws(ids, seed, "training-users") < fraction).sum()), seed)


ITEM_FILTER_PASSES = 3
MIN_TRAINING_USERS = 50
"""At any fraction."""


def prepare(folder: PlatformFolder, preparation: Preparation, *, name: str, seed: int, apart: bool = False) -> Platform:
    """The prepared platform, by the steps in the order of the module.

    Args:
        folder: tables as they were read.
        preparation: which events, users and items are kept, and what is held out.
        name: of the platform.
        seed: from which users, items and orders are drawn.
        apart: whether no user may decide about another one's events; impressions are then left out.

    Returns:
        the catalogue, its users' sequences, and who may train on what.

    Raises:
        TooFewUsers: if nobody or nothing is left; it says how much was left after each step.
        ConfigError: if users are to be kept ``apart`` and an option does not, or time is cut and events have no times.
        DataError: if nothing lies on one side of a cut in time.
    """
    if apart:
        require_apart(preparation, name)
        folder = replace(folder, impressions=None)  # where they are cut, all users' impressions decide together
    ids = _Ids.of(folder)
    user_order = _seeded_order(ids.users.ids, seed, "user-order")
    item_order = _seeded_order(folder.items["item_id"], seed, "item-order")
    _log_unwanted(folder, preparation, name)
    cuts = time_cuts(folder, preparation)
    listed_items = ids.items.members(item_order["id"])
    on_the_whole = _steps_on_the_whole(preparation, listed_items, None if cuts is None else cuts[0])
    events = _after(on_the_whole, ids.coded(folder.events))
    if not apart:
        listed_items &= named_codes(events, "item_id", len(ids.items))
    items = _percent(
        item_order.filter(pl.col("id").is_in(ids.items.ids.filter(listed_items).implode())), preparation.items
    )
    users = _taken_users(user_order, named_codes(events, "user_id", len(ids.users)), preparation)
    impressions = None if by_basket(folder, preparation) else folder.impressions
    on_the_part = _steps_on_the_part(preparation, ids, items["id"], users["id"], impressions, seed)
    events = _after(on_the_part, events)
    if events.is_empty() or len(items) < MIN_ITEMS:
        left = _what_was_left(ids.coded(folder.events), {**on_the_whole, **on_the_part})
        raise TooFewUsers(
            f"{name}: nobody is left after preparation (users need {MIN_EVENTS} events or more, the catalogue "
            f"{MIN_ITEMS} items); {folder.path}: {left}"
        )
    return _assemble(folder, events, ids, items, preparation, cuts, name=name, seed=seed, apart=apart)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Ids:
    """The codes of a folder's ids."""

    users: IdCodes
    items: IdCodes

    @classmethod
    def of(cls, folder: PlatformFolder) -> "_Ids":
        """Of all users with events, and of all items."""
        return cls(
            users=IdCodes.of(folder.events["user_id"]),
            items=IdCodes.of(folder.events["item_id"], folder.items["item_id"]),
        )

    def coded(self, events: pl.DataFrame) -> pl.DataFrame:
        return coded(events, self.users, self.items)

    def coded_pages(self, impressions: pl.DataFrame | None) -> pl.DataFrame | None:
        """Users and times of impressions; a user without events is −1."""
        if impressions is None:
            return None
        users = pl.Series("user_id", self.users.code(impressions["user_id"]))
        return impressions.select("timestamp").with_columns(users)


Steps = dict[str, Callable[[pl.DataFrame], pl.DataFrame]]
"""Steps on the events, by the option that they follow."""


def _after(steps: Steps, events: pl.DataFrame) -> pl.DataFrame:
    for step in steps.values():
        events = step(events)
    return events


def _what_was_left(events: pl.DataFrame, steps: Steps) -> str:
    """Users, items and events as they were read, and after each step that dropped any."""
    clauses, before = [f"read {_counted(events)}"], events.height
    for name, step in steps.items():
        events = step(events)
        if events.height < before:
            clauses.append(f"after {name} {_counted(events)}")
        before = events.height
    return "; ".join(clauses)


def _counted(events: pl.DataFrame) -> str:
    users, items = (events[name].n_unique() for name in ("user_id", "item_id"))
    return f"{users:,} users, {items:,} items, {events.height:,} events"


def _log_unwanted(folder: PlatformFolder, preparation: Preparation, name: str) -> None:
    """Say so where events are left out though nobody asked for it."""
    if preparation.min_rating is None:
        for note in unwanted_note(folder.events["rating"]):
            _LOG.warning("%s: %s", name, note)


def _steps_on_the_whole(preparation: Preparation, known: NDArray[np.bool_], counted_before: float | None) -> Steps:
    least = preparation.min_rating
    rated = "rating above 0 (min-rating=0 keeps 0)" if least is None else f"min-rating {least:g}"
    minima = f"min-item-events {preparation.min_item_events} and min-user-events {preparation.min_user_events}"
    return {
        rated: partial(_wanted, preparation.min_rating),
        "dropping repeats (repeats=keep keeps them)": partial(_without_repeats, preparation.repeats),
        minima: partial(_with_enough_events, preparation, counted_before),
        "time": lambda events: _in_time(events, preparation.time),
        "dropping unknown items": partial(of_codes, column="item_id", good=known),
    }


def _steps_on_the_part(
    preparation: Preparation,
    ids: _Ids,
    items: pl.Series,
    users: pl.Series,
    impressions: pl.DataFrame | None,
    seed: int,
) -> Steps:
    pages = ids.coded_pages(impressions)
    return {
        "users and max-users": partial(of_codes, column="user_id", good=ids.users.members(users)),
        "items": partial(of_codes, column="item_id", good=ids.items.members(items)),
        "order": lambda events: in_sequence_order(events, preparation.ordered, seed),
        "holding out impressions": lambda events: _without_held_out(events, pages),
        f"dropping users with fewer than {MIN_EVENTS} events": partial(with_long_lists, least=MIN_EVENTS),
    }


def _taken_users(order: pl.DataFrame, active: NDArray[np.bool_], preparation: Preparation) -> pl.DataFrame:
    """Of all users in their order, those who are ``active`` [all users, by id] and whom the options take."""
    users = _percent(order.filter(pl.Series(active)), preparation.users)
    return users if preparation.max_users is None else users.sort("position").head(preparation.max_users)


def _seeded_order(ids: pl.Series, seed: int, purpose: str) -> pl.DataFrame:
    """The distinct ids by ``number``, with a ``position`` that depends on the ids and the seed alone."""
    unique = ids.unique().sort()
    positions = rng_for(seed, purpose).permutation(len(unique))
    share = positions / max(len(unique), 1) * 100
    return pl.DataFrame({"id": unique, "position": positions, "share": share}).with_row_index("number")


def _percent(order: pl.DataFrame, part: tuple[float, float] | None) -> pl.DataFrame:
    if part is None:
        return order
    return order.filter((pl.col("share") >= part[0]) & (pl.col("share") < part[1]))


def items_in_range(folder: PlatformFolder, part: Range | None, seed: int) -> pl.DataFrame:
    """Each of the folder's items inside an ``items`` range, whether or not anybody has met it.

    Args:
        folder: tables as they were read.
        part: range in percent of the seeded order; None for all items.
        seed: of that order.

    Returns:
        one column, ``id``.
    """
    return _percent(_seeded_order(folder.items["item_id"], seed, "item-order"), part).select("id")


def further_users(folder: PlatformFolder, preparation: Preparation, platform: Platform, seed: int) -> FurtherUsers:
    """The folder's users who have events, yet too few for the prepared platform.

    They lie inside ``users`` and ``max_users``. Of the seeded order, ``max_users`` takes the first; those who were
    passed over on the way to the last are meant.

    Args:
        folder: tables as they were read.
        preparation: with which the platform was prepared.
        platform: what was prepared of the folder.
        seed: with which the platform was prepared.

    Returns:
        their ids and numbers, and who of them may train.
    """
    order = _percent(_seeded_order(folder.events["user_id"], seed, "user-order"), preparation.users)
    order = order.with_columns(key=pl.col("id").cast(pl.String))
    inside = pl.col("key").is_in(list(platform.user_ids))
    if preparation.max_users is not None:
        order = order.filter(pl.col("position") <= order.filter(inside)["position"].max())
    left_out = order.filter(~inside)
    ids = tuple(left_out["key"].to_list())
    return FurtherUsers(
        ids=ids,
        numbers=left_out["number"].to_numpy().astype(np.int64),
        training=draws(ids, seed, "training-users") < len(platform.training_users) / platform.n_users,
    )


def counted_events(events: pl.DataFrame, preparation: FolderOptions) -> pl.DataFrame:
    """Steps 1 and 2: the events that say what a user wants.

    Args:
        events: user_id, item_id, timestamp and rating, in the order of the folder.
        preparation: says the least rating, and whether repeats are kept.

    Returns:
        the events by user and time, with their ``row`` in the folder.
    """
    users, items = IdCodes.of(events["user_id"]), IdCodes.of(events["item_id"])
    counted = _without_repeats(preparation.repeats, _wanted(preparation.min_rating, coded(events, users, items)))
    return counted.with_columns(users.decode(counted["user_id"]), items.decode(counted["item_id"]))


def _wanted(min_rating: float | None, events: pl.DataFrame) -> pl.DataFrame:
    wanted = events.select(is_wanted(min_rating).fill_null(value=False)).to_series().to_numpy()
    return in_time_order(kept(events, wanted).drop("rating"))


def _without_repeats(repeats: Repeats, events: pl.DataFrame) -> pl.DataFrame:
    """Each user's first event on an item, unless repeats are kept; events go by user, then time."""
    return events if repeats == "keep" else without_repeats(events)


def _with_enough_events(minima: EventMinima, before: float | None, events: pl.DataFrame) -> pl.DataFrame:
    """Without items, then users, that have too few events; of those that are there ``before`` a time alone."""
    counted = None if before is None else (known_times(events).fill_null(-np.inf) < before).to_numpy()
    least = {"item_id": minima.min_item_events, "user_id": minima.min_user_events}
    return with_enough_events(events, least, counted, ITEM_FILTER_PASSES)


def _without_held_out(events: pl.DataFrame, impressions: pl.DataFrame | None) -> pl.DataFrame:
    if impressions is None:
        return events
    return _without_companions(without_held_out_clicks(events, impressions), impressions)


def _in_time(events: pl.DataFrame, part: Range | None) -> pl.DataFrame:
    """Events of one time go to one side; so do all events of a user who was there before the part."""
    if part is None or events.is_empty():
        return events
    share = (pl.col("timestamp").rank("min") - 1) / pl.len() * 100
    events = events.with_columns(share=share)
    newcomers = pl.col("share").min().over("user_id") >= part[0]
    return events.filter(newcomers & (pl.col("share") < part[1])).drop("share")


def in_sequence_order(events: pl.DataFrame, ordered: bool, seed: int) -> pl.DataFrame:
    """The events by user, each user's in time order.

    Args:
        events: with user_id, item_id and ``row``.
        ordered: whether their timestamps tell an order; if not, each user's events go in a seeded order.
        seed: of that order.

    Returns:
        all of the events, sorted.
    """
    if ordered:
        return in_time_order(events)
    events = events.sort("user_id", "item_id", "row")
    shuffled = pl.Series("position", rng_for(seed, "event-order").permutation(len(events)))
    return events.with_columns(shuffled).sort("user_id", "position").drop("position")


def _without_companions(events: pl.DataFrame, impressions: pl.DataFrame) -> pl.DataFrame:
    """Drops clicks of the impression that a user's test event, then their validation event, belongs to.

    What else was clicked on the same page would otherwise stand in the history of its own impression.
    """
    shown = impressions.select("user_id", "timestamp").unique().with_columns(shown=pl.lit(True))
    events = events.join(shown, on=["user_id", "timestamp"], how="left", maintain_order="left")
    for events_held_out in (1, 2):
        target_time = pl.col("timestamp").shift(events_held_out - 1).last().over("user_id")
        from_end = pl.int_range(pl.len(), 0, -1).over("user_id")
        companion = pl.col("shown").fill_null(False) & (pl.col("timestamp") == target_time)
        events = events.filter(~(companion & (from_end > events_held_out)))
    return events.drop("shown")


def _assemble(
    folder: PlatformFolder,
    events: pl.DataFrame,
    ids: _Ids,
    items: pl.DataFrame,
    preparation: Preparation,
    cuts: tuple[float, float] | None,
    *,
    name: str,
    seed: int,
    apart: bool,
) -> Platform:
    catalogue = folder.items.with_row_index("row").filter(pl.col("item_id").is_in(items["id"].implode()))
    rows = np.zeros(len(ids.items), np.int32)
    rows[ids.items.code(catalogue["item_id"])] = np.arange(len(catalogue), dtype=np.int32)
    lengths = np.bincount(events["user_id"].to_numpy(), minlength=len(ids.users))
    numbers = np.flatnonzero(lengths)
    names = tuple(ids.users.ids.gather(numbers).cast(pl.String).to_list())
    default_count = max(MIN_TRAINING_USERS, round(preparation.fraction * len(names)))
    count = preparation.train_users or default_count
    if apart:
        training, calibration = draw_apart(names, preparation.fraction, seed)
    else:
        training, calibration = draw_by_id(names, count, seed) if folder.grows else _draw_users(len(names), count, seed)
    vectors = None if folder.vectors is None else folder.vectors[catalogue["row"].to_numpy()]
    times = known_times(events).to_numpy().astype(np.float64) if has_times(folder, preparation) else None
    sequences = Sequences(
        offsets=offsets_of(lengths[numbers]), items=looked_up(rows, events["item_id"].to_numpy()), times=times
    )
    platform = Platform(
        name=name,
        item_ids=tuple(catalogue["item_id"].cast(pl.String).to_list()),
        texts=tuple(catalogue["text"].to_list()),
        categories=_categories(catalogue),
        published=published_times(catalogue),
        vectors=vectors,
        user_ids=names,
        user_numbers=numbers,
        sequences=sequences,
        training_users=training,
        calibration_users=calibration,
        ordered=preparation.ordered,
        repeats=preparation.repeats == "keep",
        split=held_out(folder, preparation, sequences, names, cuts, seed),
    )
    return replace(platform, shown=shown_log(folder, platform))


def _categories(catalogue: pl.DataFrame) -> tuple[str, ...] | None:
    if "category" not in catalogue.columns:
        return None
    return tuple(catalogue["category"].cast(pl.String).fill_null("").to_list())


def with_training_users(platform: Platform, count: int, *, name: str, seed: int) -> Platform:
    """The platform under another name, as it is when so many users may be trained on.

    Args:
        platform: a prepared platform.
        count: training users, whom ``train_users`` would draw too.
        name: of the new platform.
        seed: with which the platform was prepared.

    Returns:
        the platform with these training users and the calibration users among them.
    """
    training, calibration = _draw_users(platform.n_users, count, seed)
    return replace(platform, name=name, training_users=training, calibration_users=calibration)


def _draw_users(n_users: int, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training users and, among them, calibration users, as sorted rows; a larger count draws them too."""
    order = rng_for(seed, "training-users").permutation(n_users)
    training = np.sort(order[:count])
    chosen = rng_for(seed, "weighting-users").permutation(len(training))[: round(CALIBRATION_SHARE * len(training))]
    return training, np.sort(training[chosen])
