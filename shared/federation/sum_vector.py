"""How the parts of a secure sum's vectors lie in one another's neighbourhood: lengths, bounds, how fine each must be.

A sum has one grid. Parts whose numbers are small are scaled up to the largest bound by a power of two, which is exact;
so no part makes another one coarser than it need be.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import ConfigError
from shared.federation.messages import VALIDATIONS
from shared.federation.moment_cells import MomentGrid
from shared.federation.pair_buckets import BUCKETS
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.updates import round_seed, summed_form

Float64 = NDArray[np.float64]
Parts = Mapping[SumPart, Float64]


@dataclass(frozen=True, kw_only=True)
class PartForm:
    """One part of a vector."""

    length: int
    bound: float
    """the largest size of a platform's number"""
    fine: float
    """what rounding may move the mean over platforms of any number by, at the most"""


@dataclass(frozen=True, kw_only=True)
class VectorForm:
    """All parts, in their order."""

    parts: Mapping[SumPart, PartForm]

    @classmethod
    def of(cls, work: SumWork) -> "VectorForm":
        """Of the vectors of this work; raises ConfigError for a part that is not summed."""
        if lacking := [part for part in work.parts if part not in _FORMS]:
            raise ConfigError(f"work of a sum: expected parts of {', '.join(_FORMS)}; got {lacking[0]}")
        return cls(parts={part: _FORMS[part](work) for part in work.parts})

    @property
    def length(self) -> int:
        """P, of all."""
        return sum(form.length for form in self.parts.values())

    @property
    def bound(self) -> float:
        """The largest size of a number of the vector."""
        return max(form.bound for form in self.parts.values())

    @property
    def fine(self) -> float:
        """What rounding may move the mean of any number of the vector by."""
        return min(form.fine * self._scale(form) for form in self.parts.values())

    def joined(self, parts: Parts) -> Float64:
        """The vector, with its parts scaled up to the largest bound.

        Args:
            parts: numbers by part.

        Returns:
            [P] in the order of this form.
        """
        return np.concatenate([self._scale(form) * parts[part] for part, form in self.parts.items()])

    def split(self, vector: Float64) -> dict[SumPart, Float64]:
        """The inverse of ``joined``: the parts of a vector, or of a sum of such.

        Args:
            vector: [P].

        Returns:
            Numbers by part, in their own scale.
        """
        ends = np.cumsum([form.length for form in self.parts.values()])
        pieces = np.split(vector, ends[:-1])
        return {part: piece / self._scale(form) for (part, form), piece in zip(self.parts.items(), pieces, strict=True)}

    def _scale(self, part: PartForm) -> float:
        return 2.0 ** math.floor(math.log2(self.bound / part.bound))


def moment_numbers(dim: int) -> int:
    """Means of a part *moments*, before its buckets."""
    return MomentGrid(dim=dim).layout.size


def _moments(work: SumWork) -> PartForm:
    """Means times the platform's weight, then a one for its number of pairs over its weight.

    As fine as the means that travel alone, for a linear part is solved from them (docs/decisions/0039).
    """
    return PartForm(length=moment_numbers(work.encoder.spec.input_dim) + BUCKETS, bound=1.0, fine=2.0**-29)


def _train(work: SumWork) -> PartForm:
    """What training changes, times the platform's weight: later rounds make more of an error."""
    task = work.train_task
    bound, form = task.settings.clip_norm, summed_form(task.settings, round_seed(task.seed, task.round))
    if not bound > 0:
        raise ConfigError("work of a sum: expected updates that are cut to a length; got a clip norm of 0")
    return PartForm(length=int(form.grid(work.encoder.spec).lengths.sum()), bound=bound, fine=2.0**-21)


def _evaluate(_work: SumWork) -> PartForm:
    """For each part of the encoder the level of its NDCG@10, then for each whether it was told."""
    return PartForm(length=2 * len(VALIDATIONS), bound=1.0, fine=2.0**-16)


_FORMS: dict[SumPart, Callable[[SumWork], PartForm]] = {"moments": _moments, "train": _train, "evaluate": _evaluate}
