"""Whether anything that is watched has changed: several statistics share one probability of a false alarm.

Each column of each statistic is ranked among its own past (``conformal_ranks``) and bet on (``rank_bets``). The shares
of α add up to it, so that by the union bound the probability of an alarm, ever, is α at most where nothing changes,
however the statistics hang together. N observations, C columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.adaptation.conformal_ranks import p_values
from client.adaptation.rank_bets import likely_beginning, wealth
from shared.seeding import rng_for

Floats = NDArray[np.float64]
ALPHA = 0.05
"""Probability of a false alarm in the whole life of a head."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What has changed."""

    statistic: str
    column: int
    noticed: int
    """the observation at which it was noticed, from 0"""
    began: int
    """the observation at which it has most likely begun"""
    has_risen: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Watched:
    """What the watch says."""

    alarms: tuple[Alarm, ...]
    """the first of each statistic, in the order of the statistics"""
    evidence: Mapping[str, float]
    """by statistic, its greatest wealth times its share of α; from 1 on it is an alarm"""


def watch(statistics: Mapping[str, Floats], name: str, alpha: float = ALPHA) -> Watched:
    """Look at all observations since a head began to serve; a look costs nothing, however often it is taken.

    Args:
        statistics: [N, C] by name, in the order in which they came; N may differ.
        name: of the head: ties are broken by draws of its own, the same at each look.
        alpha: probability of a false alarm, above 0 and below 1.

    Returns:
        The alarms.
    """
    alarms, evidence = [], {}
    for statistic, observations in statistics.items():
        count, columns = observations.shape
        ranked = p_values(observations, rng_for(0, "drift", name, statistic).random((count, columns)))
        shares = wealth(ranked) * alpha / (len(statistics) * columns)
        evidence[statistic] = float(shares.max(initial=0.0))
        steps = np.flatnonzero((shares >= 1).any(axis=1))
        if len(steps):
            column, noticed = int(shares[steps[0]].argmax()), int(steps[0])
            begun = likely_beginning(ranked[: noticed + 1, column])
            alarms.append(
                Alarm(
                    statistic=statistic,
                    column=column,
                    noticed=noticed,
                    began=begun.step,
                    has_risen=begun.slope < 0,
                )
            )
    return Watched(alarms=tuple(alarms), evidence=evidence)
