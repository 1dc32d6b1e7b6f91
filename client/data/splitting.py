"""From prepared sequences to what is held out of them, by the protocol that a platform's data allow.

U users. Without times, and under ``protocol=position``, a user's last events are held out; else baskets, their last
ones or those after two cuts in time.
"""

import hashlib
from collections.abc import Sequence as Ids

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.folder_options import Preparation
from client.data.held_out import HeldOut, after_cuts, last_baskets
from client.data.impressions import impression_cuts
from client.data.sequences import Sequences, events_before
from client.data.tables import TIME_KNOWN
from shared.errors import ConfigError, DataError

MINUTE = 60.0
_BITS = 64


def draws(ids: Ids[str], seed: int, purpose: str) -> NDArray[np.float64]:
    """A number for each id, from its id, the seed and the purpose alone.

    Args:
        ids: texts.
        seed: of the numbers.
        purpose: what is drawn; each has numbers of its own.

    Returns:
        [len(ids)] from 0 to 1.
    """
    begun = hashlib.sha256(f"{seed}\0{purpose}\0".encode())
    return np.array([_draw(begun.copy(), identifier) for identifier in ids], np.float64)


def _draw(begun: "hashlib._Hash", name: str) -> float:
    begun.update(name.encode("utf-8", "surrogatepass"))
    return float(int.from_bytes(begun.digest()[: _BITS // 8], "big") / 2**_BITS)


def has_times(folder: PlatformFolder, preparation: Preparation) -> bool:
    """Whether events have times that count.

    Args:
        folder: tables as they were read; says whether timestamps are times.
        preparation: says whether the order of events counts.

    Returns:
        true where both do.
    """
    return folder.timed and preparation.ordered


def by_basket(folder: PlatformFolder, preparation: Preparation) -> bool:
    """Whether baskets are predicted, not single events.

    Args:
        folder: tables as they were read.
        preparation: says the protocol of evaluation.

    Returns:
        true under the protocol ``basket`` where events have times that count.
    """
    return preparation.protocol == "basket" and has_times(folder, preparation)


def known_times(events: pl.DataFrame) -> pl.Series:
    """[events] Float64 seconds, null where a timestamp only sorts."""
    known = pl.when(pl.col(TIME_KNOWN)).then(pl.col("timestamp").cast(pl.Float64))
    return events.select(known.alias("timestamp")).to_series()


def time_cuts(folder: PlatformFolder, preparation: Preparation) -> tuple[float, float] | None:
    """The seconds from which events validate and from which they are for the test.

    Args:
        folder: tables as they were read.
        preparation: says where time is cut, as times or as percent of the events.

    Returns:
        two times in seconds since 1970; None where nothing is cut so.

    Raises:
        ConfigError: if the platform's events have no times.
        DataError: if nothing lies on one side of a cut.
    """
    split = preparation.cuts
    if split is None:
        return None
    if not has_times(folder, preparation):
        raise ConfigError(f"{folder.path}: split={preparation.split} expects events with times, found an order alone")
    times = known_times(folder.events).drop_nulls().sort()
    cuts = (split.first, split.second)
    if split.shares:
        first, second = (float(times[int(share / 100 * len(times))]) if len(times) else 0.0 for share in cuts)
        cuts = (first, second)
    counts = [int((times < cut).sum()) for cut in cuts]
    if not 0 < counts[0] < counts[1] < len(times):
        sizes = f"{counts[0]:,}, {counts[1] - counts[0]:,} and {len(times) - counts[1]:,}"
        raise DataError(
            f"{folder.path}: split={preparation.split} expects events before, between and after its cuts; found {sizes}"
        )
    return cuts


def held_out(
    folder: PlatformFolder,
    preparation: Preparation,
    sequences: Sequences,
    ids: Ids[str],
    cuts: tuple[float, float] | None,
    seed: int,
) -> HeldOut | None:
    """What is held out of each user, where baskets are predicted.

    Where there are impressions, nothing from the first validation impression on is trained on: who predicts clicks
    looks at them through what is trained here.

    Args:
        folder: tables as they were read.
        preparation: says the protocol, and how many minutes a basket may pause.
        sequences: what each of the U users met.
        ids: [U] ids of the users, by which the roles of users with one basket are drawn.
        cuts: two times in seconds since 1970, as ``time_cuts`` gives them; None for each user's last baskets.
        seed: of that draw.

    Returns:
        targets by stage and what may be trained on; None where each user's last events are held out.
    """
    if not by_basket(folder, preparation):
        return None
    within = preparation.basket * MINUTE
    if cuts is not None:
        split = after_cuts(sequences, within, *cuts)
    else:
        split = last_baskets(sequences, within, draws(ids, seed, "only-basket"))
    if folder.impressions is None:
        return split
    return split.up_to(events_before(sequences, impression_cuts(folder.impressions)[0]))
