"""What was shown to a platform's users and what they clicked of it: for click prediction, never for an encoder.

U users of the prepared platform, V further ones, m shown items, I impressions, C candidates in all impressions
together.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.event_log import EventLog
from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.platform import Platform, training_sequences
from client.data.positives import is_wanted
from client.data.ragged import offsets_of, stretches
from client.data.sequences import Sequences, select, take
from client.data.tables import TIME_KNOWN
from shared.seeding import rng_for

TRAIN_SHARE = 0.6
VALIDATION_SHARE = 0.2


def impression_cuts(impressions: pl.DataFrame) -> tuple[float, float]:
    """The times from which impressions are validation, and from which they are test.

    60 % come before the first cut and 20 % between the two; impressions of one time stay together.

    Args:
        impressions: all of a folder, whoever's they are.

    Returns:
        two times in seconds since 1970; infinite where there are no impressions.
    """
    times = impressions["timestamp"].sort()
    if times.is_empty():
        return float("inf"), float("inf")
    first, second = (int(share * len(times)) for share in (TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE))
    return float(times[first]), float(times[second])


def without_held_out_clicks(events: pl.DataFrame, impressions: pl.DataFrame) -> pl.DataFrame:
    """Of a user's clicks in validation and test impressions, only their last event stays, which is their test event.

    So no such click enters a history, a statistic or a training, and none stops a training or decides a choice.

    Args:
        events: user_id, item_id, timestamp, each user's in time order.
        impressions: user_id, timestamp; a click has the user and the time of its impression.
    """
    validation_from, _ = impression_cuts(impressions)
    pages = impressions.filter(pl.col("timestamp") >= validation_from)
    pages = pages.select("user_id", "timestamp").unique().with_columns(held_out=pl.lit(True))
    events = events.join(pages, on=["user_id", "timestamp"], how="left", maintain_order="left")
    is_last = pl.int_range(pl.len(), 0, -1).over("user_id") == 1
    return events.filter(pl.col("held_out").is_null() | is_last).drop("held_out")


def unmatched_clicks(events: pl.DataFrame, impressions: pl.DataFrame) -> tuple[str, ...]:
    """A note where clicks of impressions are no events of their user, item and time.

    Args:
        events: user_id, item_id, timestamp.
        impressions: user_id, timestamp, and lists of candidates and labels.

    Returns:
        the note; nothing where every click is such an event.
    """
    shown = impressions.select("user_id", "timestamp", item_id="candidates", label="labels")
    clicks = shown.explode("item_id", "label").filter(pl.col("label") > 0)
    met = clicks.join(events, on=["user_id", "item_id", "timestamp"], how="semi").height
    if met == clicks.height:
        return ()
    says = (
        f"{clicks.height - met:,} of {clicks.height:,} clicks in impressions are no event of their user, item and time"
    )
    return (f"{says}: they are held out of nothing; give a click's event the time of its impression",)


STAGES = (Stage.TRAIN, Stage.VALIDATION, Stage.TEST)
MAX_IMPRESSIONS = {0: 20_000, 1: 10_000, 2: 10_000}
"""By place in ``STAGES``: where a platform has more, so many are drawn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ShownItems:
    """The items that were shown or met, clicked or not: to be in here must not tell an item's label."""

    name: str
    """of the platform"""
    texts: tuple[str, ...]
    """[m]"""
    vectors: NDArray[np.float32] | None
    """[m, D] given vectors, or None"""
    known: NDArray[np.int64]
    """[m] row in the prepared platform's catalogue, -1 where it is not there"""


@dataclass(frozen=True, eq=False, kw_only=True)
class FurtherUsers:
    """Users whom preparation drops for too few events: nothing of the ranking knows them, pages are shown to them."""

    ids: tuple[str, ...] = ()
    """[V] original ids, as text"""
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """[V] place of each among all ids of the folder"""
    training: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """[V] whether a user is inside the fraction that may be trained on"""


NOBODY = FurtherUsers()


@dataclass(frozen=True, eq=False, kw_only=True)
class Impressions:
    """Impressions split in time, and what their users had met before the first validation impression.

    Rows 0..U-1 are the platform's users, rows U..U+V-1 the further ones.
    """

    shown: ShownItems
    met: Sequences
    """[U + V] rows of shown items that each user met before any validation impression, oldest first"""
    user_numbers: NDArray[np.int64]
    """[U + V] place of each user among all ids of the folder"""
    users: NDArray[np.int64]
    """[I] user rows"""
    times: NDArray[np.float64]
    """[I] seconds since 1970, or what sorts them where there is no clock"""
    stages: NDArray[np.int8]
    """[I] place in ``STAGES``"""
    histories: Sequences
    """[I] the part of ``met`` that is older than the impression"""
    candidates: Sequences
    """[I] rows of shown items"""
    labels: NDArray[np.bool_]
    """[C] True where clicked"""
    has_clock: bool
    """whether times are seconds"""
    clicked_log: EventLog
    """what was met, of all stages, by users who may be trained on: what may be counted as of a later moment"""
    shown_log: EventLog
    """what was shown to them, likewise"""

    def __len__(self) -> int:
        return len(self.users)

    def at(self, stage: Stage) -> NDArray[np.int64]:
        """Rows of the impressions of one stage."""
        return np.flatnonzero(self.stages == STAGES.index(stage))

    def only(self, rows: NDArray[np.int64]) -> "Impressions":
        """Some of the impressions; what had been met before stays whole."""
        sizes = self.candidates.lengths()
        return replace(
            self,
            users=self.users[rows],
            times=self.times[rows],
            stages=self.stages[rows],
            histories=select(self.histories, rows),
            candidates=select(self.candidates, rows),
            labels=self.labels[stretches(self.candidates.offsets[rows], sizes[rows])],
        )


def read_impressions(
    folder: PlatformFolder,
    preparation: Preparation,
    platform: Platform,
    *,
    seed: int,
    further: FurtherUsers = NOBODY,
) -> Impressions | None:
    """The impressions of a prepared platform's users; None where it has none or they cannot be told apart in time.

    1. Impressions are split by time over the whole folder; ``items``, ``time`` and ``order=none`` leave no such whole.
    2. Training impressions are those of training users; one whose click an encoder of the platform may have been
       trained on (a training event of an encoder-training user) is left out.
    3. Histories and statistics are events before the first validation impression, whatever was clicked later.
    4. What is counted as of an impression has its own logs: of the training users, of all stages, with their times.

    Args:
        folder: as read.
        preparation: as the platform's.
        platform: as prepared.
        seed: of what is drawn where there are too many.
        further: users whose impressions are taken too, with what they met.
    """
    whole = preparation.ordered and preparation.items is None and preparation.time is None
    if folder.impressions is None or not whole:
        return None
    cuts = impression_cuts(folder.impressions)
    people = _People.of(platform, further)
    pages = people.rows_of(folder.impressions)
    shown = _drawn(pages, cuts, people, seed)
    if shown.is_empty():
        return None
    everything = people.rows_of(folder.events).filter(is_wanted(preparation.min_rating))
    events = _met(everything, preparation, cuts[0])
    catalogue = folder.items.with_row_index("row").filter(
        pl.col("item_id").is_in(events["item_id"].implode())
        | pl.col("item_id").is_in(shown["candidates"].explode().implode())
    )
    rows = catalogue.select("item_id", item=pl.int_range(pl.len(), dtype=pl.Int32))
    met = Sequences(
        offsets=offsets_of(np.bincount(events["user"].to_numpy(), minlength=len(people.ids))),
        items=events.join(rows, on="item_id", how="left", maintain_order="left")["item"].to_numpy(),
    )
    flat = shown.select(pl.col("candidates", "labels")).explode("candidates", "labels")
    flat = flat.join(rows, left_on="candidates", right_on="item_id", how="left", maintain_order="left")
    known = people.may_train(pages) if folder.timed else pages.clear()
    impressions = Impressions(
        shown=_shown_items(folder, catalogue, platform),
        met=met,
        user_numbers=people.numbers,
        users=shown["user"].to_numpy(),
        times=shown["timestamp"].to_numpy().astype(np.float64),
        stages=shown["stage"].to_numpy(),
        histories=take(met, shown["user"].to_numpy(), _met_before(events, shown, met)),
        candidates=Sequences(
            offsets=offsets_of(shown["candidates"].list.len().to_numpy()), items=flat["item"].to_numpy()
        ),
        labels=flat["labels"].to_numpy() > 0,
        has_clock=folder.timed,
        clicked_log=_log(people.may_train(everything).filter(pl.col(TIME_KNOWN) & folder.timed), rows),
        shown_log=_log(known.select("timestamp", item_id="candidates").explode("item_id"), rows),
    )
    return impressions.only(_untouched(impressions, platform))


@dataclass(frozen=True, eq=False, kw_only=True)
class _People:
    """The platform's users, then the further ones."""

    ids: tuple[str, ...]
    """[U + V]"""
    numbers: NDArray[np.int64]
    """[U + V]"""
    training: NDArray[np.int64]
    """rows of those who may be trained on"""

    @classmethod
    def of(cls, platform: Platform, further: FurtherUsers) -> "_People":
        return cls(
            ids=platform.user_ids + further.ids,
            numbers=np.concatenate([platform.user_numbers, further.numbers]),
            training=np.concatenate([platform.training_users, platform.n_users + np.flatnonzero(further.training)]),
        )

    def rows_of(self, table: pl.DataFrame) -> pl.DataFrame:
        """Their rows of a table, with their row ``user``; in the order in which they were."""
        rows = pl.Series(np.arange(len(self.ids), dtype=np.int64))
        users = pl.DataFrame({"key": pl.Series(self.ids, dtype=pl.String), "user": rows})
        keyed = table.with_columns(key=pl.col("user_id").cast(pl.String))
        return keyed.join(users, on="key", how="inner", maintain_order="left").drop("key")

    def may_train(self, table: pl.DataFrame) -> pl.DataFrame:
        """Rows of those who may be trained on, of a table with ``user``."""
        return table.filter(pl.col("user").is_in(self.training.tolist()))


def _drawn(impressions: pl.DataFrame, cuts: tuple[float, float], people: _People, seed: int) -> pl.DataFrame:
    """With their ``stage``: training impressions of who may train, the others of all, no more than the limits."""
    later = [(pl.col("timestamp") >= cut).cast(pl.Int8) for cut in cuts]
    training = pl.col("user").is_in(people.training.tolist())
    eligible = impressions.with_columns(stage=later[0] + later[1]).filter(pl.col("candidates").list.len() > 0)
    eligible = eligible.filter(training | (pl.col("stage") > 0))
    order = rng_for(seed, "impressions").permutation(eligible.height)
    limit = pl.col("stage").replace_strict(MAX_IMPRESSIONS, return_dtype=pl.Int64)
    place = pl.col("order").rank("ordinal").over("stage")
    return eligible.with_columns(order=pl.Series(order, dtype=pl.Int64)).filter(place <= limit).drop("order")


def _log(events: pl.DataFrame, rows: pl.DataFrame) -> EventLog:
    """Of ``item_id`` and ``timestamp``, in the order of time; items without a row are left out."""
    known = events.select("item_id", pl.col("timestamp").cast(pl.Float64)).join(rows, on="item_id", how="inner")
    known = known.sort("timestamp", "item")
    return EventLog(times=known["timestamp"].to_numpy(), items=known["item"].to_numpy())


def _met(events: pl.DataFrame, preparation: Preparation, before: float) -> pl.DataFrame:
    """What users met before a time, by user, then time."""
    events = events.with_row_index("row").filter(pl.col("timestamp") < before).sort("user", "timestamp", "row")
    if preparation.repeats == "first":
        events = events.unique(subset=["user", "item_id"], keep="first", maintain_order=True)
    return events


def _met_before(events: pl.DataFrame, shown: pl.DataFrame, met: Sequences) -> NDArray[np.int64]:
    """[I] how many of its user's events are older than each impression."""
    users = np.concatenate([events["user"].to_numpy(), shown["user"].to_numpy()])
    times = np.concatenate([table["timestamp"].to_numpy().astype(np.float64) for table in (events, shown)])
    is_event = np.arange(len(users)) < events.height
    order = np.lexsort((is_event, times, users))  # at the same time the impression comes first
    older = np.empty(len(users), np.int64)
    older[order] = np.cumsum(is_event[order])
    begins = met.offsets[shown["user"].to_numpy()]
    return np.asarray(older[events.height :] - begins, np.int64)


def _shown_items(folder: PlatformFolder, catalogue: pl.DataFrame, platform: Platform) -> ShownItems:
    in_catalogue = pl.DataFrame({"key": pl.Series(platform.item_ids, dtype=pl.String)}).with_row_index("known")
    keys = catalogue.select(key=pl.col("item_id").cast(pl.String))
    known = keys.join(in_catalogue, on="key", how="left", maintain_order="left")["known"].cast(pl.Int64).fill_null(-1)
    return ShownItems(
        name=platform.name,
        texts=tuple(catalogue["text"].to_list()),
        vectors=None if folder.vectors is None else folder.vectors[catalogue["row"].to_numpy()],
        known=known.to_numpy(),
    )


def _untouched(impressions: Impressions, platform: Platform) -> NDArray[np.int64]:
    """Rows of the impressions but for training ones whose click is a training event of an encoder-training user."""
    users = platform.encoder_users
    trained = training_sequences(platform, users)
    pairs = users[trained.owners()] * platform.n_items + trained.items
    impression = np.repeat(np.arange(len(impressions)), impressions.candidates.lengths())
    known = impressions.shown.known[impressions.candidates.items]
    seen = np.isin(impressions.users[impression] * platform.n_items + known, pairs) & (known >= 0) & impressions.labels
    touched = np.isin(np.arange(len(impressions)), impression[seen])
    return np.flatnonzero(~(touched & (impressions.stages == 0)))
