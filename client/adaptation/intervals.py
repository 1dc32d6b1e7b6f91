"""95 % intervals of shares and ratios whose counts hang together within users. U users."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_Z = 1.959964
"""of 95 %"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its interval."""

    value: float
    low: float
    high: float
    of: int
    """what it is a share of: lists, items or users"""
    users: int
    """who stand behind it"""


def share(counts: Floats, of: Floats) -> Figure | None:
    """Σ counts / Σ of, with Wilson's interval (Wilson 1927) at the effective number of trials.

    That is the number over the design effect, how much wider clusters of users make the spread (Korn, Graubard 1998);
    where all or none count, the number of users.

    Args:
        counts: [U] of each user, at most ``of``.
        of: [U] trials of each user, above 0.

    Returns:
        The figure; None without a user.
    """
    trials, users = float(of.sum()), len(of)
    if not users:
        return None
    value = float(counts.sum()) / trials
    effective = float(users)
    if 0 < value < 1 and users > 1:
        clustered = users / (users - 1) * float(((counts - value * of) ** 2).sum()) / trials**2
        effective = trials / max(1.0, clustered * trials / (value * (1 - value)))
    scale, square = 1 + _Z**2 / effective, _Z**2 / effective
    middle = (value + square / 2) / scale
    half = _Z * math.sqrt(value * (1 - value) / effective + square / (4 * effective)) / scale
    low, high = min(max(0.0, middle - half), value), max(min(1.0, middle + half), value)
    return Figure(value=value, low=low, high=high, of=int(trials), users=users)


def ratio(counts: Floats, expected: Floats) -> Figure | None:
    """Σ counts / Σ expected, with an interval by the delta method over users.

    Args:
        counts: [U] of each user.
        expected: [U] what was expected of each.

    Returns:
        The figure; None where nothing was expected, or of fewer than two users.
    """
    total, users = float(expected.sum()), len(expected)
    if users < 2 or total <= 0:
        return None
    value = float(counts.sum()) / total
    half = _Z * math.sqrt(users / (users - 1) * float(((counts - value * expected) ** 2).sum())) / total
    return Figure(value=value, low=max(0.0, value - half), high=value + half, of=round(total), users=users)
