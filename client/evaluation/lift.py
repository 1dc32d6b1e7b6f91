"""What one method is worth against another on the same users: paired differences and lifts with bootstrap intervals."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
_CHUNK = 200
"""Resamples drawn at once, which bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure and the interval that covers 95 % of its resampled values."""

    mean: float
    low: float
    high: float

    @property
    def clear_of_zero(self) -> bool:
        """True where the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, float]:
        """As plain numbers."""
        return asdict(self)


def paired_lift(
    method: NDArray[np.float64],
    baseline: NDArray[np.float64],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Lift, in percent, of one method's mean over another's mean on the same users.

    Args:
        method: [U] figures of the method.
        baseline: [U] figures of what it is compared with; row u is the same user in both.
        rng: draws the resamples.
        resamples: how often users are drawn anew for the interval.

    Returns:
        mean and 95 % interval in percent; None where the baseline's mean is 0 or there are no users.
    """
    if len(baseline) == 0 or baseline.mean() == 0:
        return None
    low, high = np.percentile(resampled_lifts(method, baseline, rng, resamples), [2.5, 97.5])
    mean = 100 * (float(method.mean()) / float(baseline.mean()) - 1)
    return Interval(mean=mean, low=float(low), high=float(high))


def paired_difference(
    method: NDArray[np.float64],
    baseline: NDArray[np.float64],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """One method's mean minus another's mean on the same users.

    Args:
        method: [U] figures of the method; U is 1 or more.
        baseline: [U] figures of what it is compared with; row u is the same user in both.
        rng: draws the resamples.
        resamples: how often users are drawn anew for the interval.

    Returns:
        mean and 95 % interval, in the unit of the figures.
    """
    sums = resampled_sums(np.stack([method, baseline], axis=1), rng, resamples)
    low, high = np.percentile((sums[:, 0] - sums[:, 1]) / len(method), [2.5, 97.5])
    return Interval(mean=float(method.mean() - baseline.mean()), low=float(low), high=float(high))


def resampled_lifts(
    method: NDArray[np.float64], baseline: NDArray[np.float64], rng: np.random.Generator, resamples: int
) -> NDArray[np.float64]:
    """Lifts in percent over resamples of the users.

    Args:
        method: [U] figures of the method.
        baseline: [U] figures of what it is compared with; row u is the same user in both.
        rng: draws the resamples.
        resamples: how often users are drawn anew.

    Returns:
        at most [resamples] lifts in percent: those of resamples whose baseline is above 0.
    """
    sums = resampled_sums(np.stack([method, baseline], axis=1), rng, resamples)
    sums = sums[sums[:, 1] > 0]
    return np.asarray(100 * (sums[:, 0] / sums[:, 1] - 1))


def resampled_sums(values: NDArray[np.float64], rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    """Sums over as many users as there are, drawn with replacement, rows whole.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 (percentile interval). Users with equal rows
    are drawn together by a multinomial, which has the same distribution as drawing them one by one. A ``RandomState``
    draws them: the streams of its methods never change (NEP 19), those of a ``Generator`` may with a release of numpy.

    Args:
        values: [U, K] K figures of each user.
        rng: its bit generator gives the draws.
        resamples: how often users are drawn anew.

    Returns:
        [resamples, K] sums.
    """
    rows, counts = np.unique(values, axis=0, return_counts=True)
    frozen = np.random.RandomState(rng.bit_generator)
    users = int(counts.sum())
    return np.concatenate(
        [
            frozen.multinomial(users, counts / users, size=min(_CHUNK, resamples - start)) @ rows
            for start in range(0, resamples, _CHUNK)
        ]
    )
