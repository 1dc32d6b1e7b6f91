"""Lifts over the people of several seeds, resampled person by person.

Seeds draw who is a platform's user, so one person may be ranked under one seed, under some or under all. Who was met
under three is one person, not three: a resample draws people, each with all that was found of him.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.evaluation.lift import resampled_sums

RESAMPLES = 2000

Float64 = NDArray[np.float64]

Column = tuple[str, str]
"""Platform and method."""


@dataclass(frozen=True, kw_only=True)
class ResampledSums:
    """Sums over people, of the same resamples whatever is summed."""

    sums: Mapping[Column, Float64]
    """[1 + ``RESAMPLES``], the found sum, then those over resamples of the people"""

    def lifts(self, method: Column, baseline: Column) -> Float64 | None:
        """Lift in percent of one sum over another: [0] the found one, then one for each resample.

        None where one of them is not there or the baseline's is 0; resamples whose baseline is 0 are left out.
        """
        if method not in self.sums or baseline not in self.sums or self.sums[baseline][0] == 0:
            return None
        mine, other = self.sums[method], self.sums[baseline]
        return 100 * (mine[other > 0] / other[other > 0] - 1)


def resampled(found: Mapping[Column, Sequence[pl.DataFrame]], rng: np.random.Generator) -> ResampledSums:
    """Of each column a frame for each seed: ``user``, whose number is the same under every seed, and ``ndcg@10``.

    People who are not in one of the frames add nothing to its sum.
    """
    columns = {name: pl.concat(frames) for name, frames in found.items()}
    people = np.unique(np.concatenate([one["user"].to_numpy() for one in columns.values()]))
    values = np.stack([_by_person(people, one) for one in columns.values()], axis=1)
    sums = np.concatenate([values.sum(0)[None], resampled_sums(values, rng, RESAMPLES)])
    return ResampledSums(sums={name: sums[:, place] for place, name in enumerate(columns)})


def mean_ndcg(frames: Sequence[pl.DataFrame]) -> float:
    """NDCG@10 over the users of every seed."""
    return float(pl.concat(frames)["ndcg@10"].to_numpy().mean())


def _by_person(people: NDArray[np.int64], column: pl.DataFrame) -> Float64:
    rows = np.searchsorted(people, column["user"].to_numpy())
    return np.bincount(rows, weights=column["ndcg@10"].to_numpy(), minlength=len(people)).astype(np.float64)
