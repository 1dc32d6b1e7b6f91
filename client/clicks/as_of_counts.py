"""What has been clicked and shown of each candidate as of its impression: counts that fade, their ratio, the age.

Strictly before the impression: what has its time or a later one is not known to it, so that its own labels are not, and
impressions of one time know nothing of each other. Whose impression it is and at which stage does not matter: this is
what a service knows that takes clicks and impressions in as they come.

I impressions, C candidates in all, m shown items, H half-lives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.event_log import EventLog, counts_as_of
from client.data.held_out import Stage
from client.data.impressions import Impressions
from client.scorers.fading import HALF_LIVES, up_to
from shared.system.options import Checked, bounded

_HOUR = 3_600.0
CLICKED, SHOWN, RATE = "clicked", "shown", "rate"
AGES = ("shown-age", "shown-new")
"""log(1 + age in units of ``unit``) since the item was first shown or met, 0 where it was not; 1 where it was not."""


@dataclass(frozen=True, kw_only=True)
class AsOfSettings(Checked):
    """How clicked and shown items are counted."""

    half_lives: tuple[float, ...] = bounded(HALF_LIVES[:6], above=0)
    """seconds, rising; those no longer than the training impressions last, and the first in any case"""
    prior_clicked: float = bounded(1.0, above=0)
    """clicks that an item's ratio is held back by"""
    prior_shown: float = bounded(20.0, above=0)
    """the same, times shown"""
    unit: float = bounded(900.0, above=0)
    """seconds"""


@dataclass(frozen=True, eq=False, kw_only=True)
class AsOfCounts:
    """Columns of all candidates."""

    names: tuple[str, ...]
    """[3 H + 2], none where the platform has no clock"""
    values: NDArray[np.float32]
    """[C, 3 H + 2]"""


def as_of_counts(impressions: Impressions, settings: AsOfSettings) -> AsOfCounts:
    """What was clicked and shown before each impression, in one pass over either log.

    At each half-life log(1 + clicked), log(1 + shown) and log((clicked + a) / (shown + b)), a and b being the priors.

    Args:
        impressions: of the platform.
        settings: half-lives, priors, and the unit of ages.

    Returns:
        The columns of all candidates; none where the platform has no clock.
    """
    if not impressions.has_clock:
        return AsOfCounts(names=(), values=np.zeros((len(impressions.labels), 0), np.float32))
    lives = _half_lives(impressions, settings)
    clicked = _faded(impressions.clicked_log, impressions, lives)
    shown = _faded(impressions.shown_log, impressions, lives)
    rate = np.log((clicked + settings.prior_clicked) / (shown + settings.prior_shown))
    values = np.concatenate([np.log1p(clicked), np.log1p(shown), rate, _ages(impressions, settings.unit)], axis=1)
    named = [f"{what}@{life / _HOUR:g}h" for what in (CLICKED, SHOWN, RATE) for life in lives]
    return AsOfCounts(names=(*named, *AGES), values=values.astype(np.float32))


def counts_of_clicks(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that count clicks."""
    return tuple(name for name in names if name.startswith(f"{CLICKED}@"))


def _half_lives(impressions: Impressions, settings: AsOfSettings) -> list[float]:
    training = impressions.times[impressions.at(Stage.TRAIN)]
    span = np.ptp(training) if len(training) else 0.0
    return up_to(settings.half_lives, float(span))


def _faded(log: EventLog, impressions: Impressions, lives: Sequence[float]) -> NDArray[np.float64]:
    """[C, H] Σ 2^(−(t − s) / half-life) over the candidate's events at s < t, t being the impression's time."""
    offsets, items = impressions.candidates.offsets, impressions.candidates.items
    moments, of = np.unique(impressions.times, return_inverse=True)
    order = np.argsort(of, kind="stable")
    begins = np.searchsorted(of[order], np.arange(len(moments) + 1))
    before = np.searchsorted(log.times, moments, side="left")
    faded = np.zeros((len(items), len(lives)))
    for place, counts in counts_as_of(log, lives, moments, len(impressions.shown.known)):
        if before[place]:
            since = moments[place] - log.times[before[place] - 1]
            factor = np.exp2(-since / np.array(lives))
            for row in order[begins[place] : begins[place + 1]]:
                span = slice(offsets[row], offsets[row + 1])
                faded[span] = counts[:, items[span]].T * factor
    return faded


def _ages(impressions: Impressions, unit: float) -> NDArray[np.float64]:
    """[C, 2] ``AGES``."""
    first = np.full(len(impressions.shown.known), np.inf)
    for log in (impressions.clicked_log, impressions.shown_log):
        np.minimum.at(first, log.items, log.times)
    times = np.repeat(impressions.times, impressions.candidates.lengths())
    age = times - first[impressions.candidates.items]
    known = age > 0
    return np.stack([np.log1p(np.where(known, age, 0.0) / unit), ~known], axis=1)
