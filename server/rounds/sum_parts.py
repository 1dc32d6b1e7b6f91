"""What the sum of a group's vectors says, part by part; a sum that no honest platforms give is refused.

A platform's guard keeps its numbers within bounds; one that has none of its own may send any. What cannot be a sum of
so many vectors within bounds is seen, and the group is left out; what can is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.aggregation.size_classes import SizeClasses
from server.rounds.screening import require_possible
from shared.encoder.encoder import EncoderSpec
from shared.encoder.linear import Moments
from shared.errors import ReplyRejected
from shared.federation.messages import VALIDATIONS
from shared.federation.pair_buckets import middle_of
from shared.federation.sum_messages import SumPart
from shared.federation.sum_vector import moment_numbers
from shared.federation.updates import WHOLE, SummedForm
from shared.federation.validation_levels import value_at

Float64 = NDArray[np.float64]
_SLACK = 0.01
"""of a whole number, for what rounding to cells does to a sum of ones"""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupSum:
    """The sum of one group's vectors."""

    members: tuple[str, ...]
    """whose vectors are in it"""
    weights: Mapping[str, float]
    """of all who were asked, the largest 1"""
    unit: float
    """what a weight of 1 stands for"""
    parts: Mapping[SumPart, Float64]

    @property
    def weight(self) -> float:
        """Of those whose vectors are in it, the largest 1."""
        return sum(self.weights[name] for name in self.members)

    @property
    def size(self) -> float:
        """What the group weighs beside others."""
        return self.weight * self.unit


def mean_update(group: GroupSum, spec: EncoderSpec, form: SummedForm = WHOLE) -> Float64:
    """The weighted mean of what training changes; the linear part never does.

    Args:
        group: the sum of the group's vectors; it has the part ``train``.
        spec: of the encoder that was trained.
        form: of the updates.

    Returns:
        [P], 0 outside the sequence part.
    """
    return form.difference(spec, (group.parts["train"] / group.weight).astype(np.float32))


def validation_of(group: GroupSum) -> dict[str, float]:
    """NDCG@10 by part of the encoder: the geometric mean over the members that told theirs.

    Raises ReplyRejected where they cannot have.
    """
    levels, counts = np.split(group.parts["evaluate"], 2)
    beyond = (levels < -_SLACK) | (levels > counts + _SLACK) | (counts > len(group.members) + _SLACK)
    if beyond.any():
        raise ReplyRejected("the sum of evaluations is not one of so many NDCG@10 between 0 and 1")
    figures = zip(VALIDATIONS, levels, counts, strict=True)
    return {name: round(value_at(level / count), 4) for name, level, count in figures if count > 0.5}


def moments_of(groups: Mapping[str, GroupSum], dim: int) -> tuple[dict[str, Moments], SizeClasses, dict[str, str]]:
    """Each group's moments, as if it were one platform of its size.

    Pairs of a user are the median over the platforms of all groups, as in plain rounds (``SizeClasses.counted``).

    Args:
        groups: by name, the sum of its vectors; it has the part ``moments``.
        dim: D, the dimensions of item vectors.

    Returns:
        Moments by group; the sizes of these groups; and by group, why others have none.
    """
    means, ratios, wrong = dict[str, Float64](), list[float](), dict[str, str]()
    for name, group in groups.items():
        numbers, ones = np.split(group.parts["moments"], [moment_numbers(dim)])
        counts = np.rint(ones).astype(int)
        try:
            if (counts < 0).any() or counts.sum() != len(group.members):
                raise ReplyRejected("the numbers of pairs are not one of each platform")
            mean = numbers / group.weight
            require_possible(Moments.from_flat(np.append(mean, 1.0), dim))
        except ReplyRejected as error:
            wrong[name] = str(error)
            continue
        means[name] = mean
        ratios += [middle_of(bucket) / group.unit for bucket in np.repeat(np.arange(len(counts)), counts).tolist()]
    sizes = {name: groups[name].size for name in means}
    pairs = float(np.median(ratios)) if ratios else 0.0
    moments = {
        name: Moments.from_flat(np.append(mean, 1.0), dim).scaled(pairs * sizes[name]) for name, mean in means.items()
    }
    return moments, SizeClasses(sizes), wrong
