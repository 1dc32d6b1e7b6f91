"""Which devices are asked in a round: a uniform draw of those that may take part, without looking at all devices.

Numbers are drawn with replacement; those that came before or may not take part are passed over. The devices in the
order in which they first came are a uniform draw without replacement. Where too few may take part, all are looked at.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Devices = NDArray[np.int64]
_FEWEST_DRAWN = 64


def draw_cohort(
    rng: np.random.Generator, count: int, size: int, may_take_part: Callable[[Devices], NDArray[np.bool_]]
) -> Devices:
    """Draw a cohort.

    Args:
        rng: of this draw.
        count: U, all devices that there are.
        size: how many are wanted.
        may_take_part: of numbers [k], whether each of these devices may take part.

    Returns:
        [k] different numbers, k = ``size``, or fewer where fewer may take part; any first few of them are a uniform
        draw as well.
    """
    cohort = np.empty(0, np.int64)
    batch = max(2 * size, _FEWEST_DRAWN)
    for _ in range(count // (2 * batch)):
        if cohort.size >= size:
            break
        fresh = _without(rng.integers(count, size=batch), cohort)
        cohort = np.concatenate([cohort, fresh[may_take_part(fresh)]])
    if cohort.size < size:
        everyone = np.arange(count)
        rest = np.setdiff1d(everyone[may_take_part(everyone)], cohort, assume_unique=True)
        cohort = np.concatenate([cohort, rng.permutation(rest)])
    return cohort[:size]


def _without(drawn: Devices, cohort: Devices) -> Devices:
    """What was drawn, each number once, in its order, but for those that the cohort has."""
    firsts = np.sort(np.unique(drawn, return_index=True)[1])
    fresh = drawn[firsts]
    return fresh[~np.isin(fresh, cohort)]
