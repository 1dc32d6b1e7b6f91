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
    """Lift, in percent, of the mean of ``method`` [U] over the mean of ``baseline`` [U]; row u is one user in both.

    None where the baseline's mean is 0 or there are no users.
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
    """Mean of ``method`` [U] minus the mean of ``baseline`` [U], row u being the same user in both; U is 1 or more."""
    sums = resampled_sums(np.stack([method, baseline], axis=1), rng, resamples)
    low, high = np.percentile((sums[:, 0] - sums[:, 1]) / len(method), [2.5, 97.5])
    return Interval(mean=float(method.mean() - baseline.mean()), low=float(low), high=float(high))


def resampled_lifts(
    method: NDArray[np.float64], baseline: NDArray[np.float64], rng: np.random.Generator, resamples: int
) -> NDArray[np.float64]:
    """Lifts in percent over resamples of the users (at most ``resamples``: those whose baseline is not 0)."""
    sums = resampled_sums(np.stack([method, baseline], axis=1), rng, resamples)
    sums = sums[sums[:, 1] > 0]
    return np.asarray(100 * (sums[:, 0] / sums[:, 1] - 1))


def resampled_sums(values: NDArray[np.float64], rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    """[resamples, K] sums of ``values`` [U, K] over as many users as there are, drawn with replacement, rows whole.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 (percentile interval). Users with equal rows
    are drawn together by a multinomial, which has the same distribution as drawing them one by one. A ``RandomState``
    draws them: the streams of its methods never change (NEP 19), those of a ``Generator`` may with a release of numpy.
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
