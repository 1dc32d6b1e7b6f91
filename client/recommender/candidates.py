"""The weight vectors that compete to be a platform's stack, and how one of them is chosen.

1. Computed scorers are weighted on all training users; a trained scorer that has seen none of them joins at once.
2. A trained scorer that has seen some is added on the users it has not seen, pulled to the weights of step 1.
3. Beside the fitted weights, one per pull, stand the uniform weights and each scorer alone.
4. The choice is made on training users' validation events, which entered no statistic, calibration or weight. A trained
   part may have been stopped early on some of the same events, which flatters it a little against computed scorers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.recommender.cross_fitting import CrossFit, Trained
from client.recommender.stack import PULLS, UNIFORM, fit_weights

MIN_UNSEEN = 10
"""Examples below which a part is not weighted at all."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One weight vector over the R columns of a platform's panel."""

    name: str
    """``fitted`` (with its pull), ``uniform`` or ``alone`` (with its column), and the parts it holds"""
    weights: NDArray[np.float64]
    """[R]"""


@dataclass(frozen=True, kw_only=True)
class ColumnGroups:
    """Which of the R columns belong to the computed scorers and which to each trained part."""

    names: tuple[str, ...]
    """[R]"""
    parts: Mapping[str, NDArray[np.int64]]
    """trained part to its column indices; all others are computed"""

    def of(self, parts: Sequence[str]) -> NDArray[np.bool_]:
        """[R] True for computed columns and those of the given parts."""
        mask = np.ones(len(self.names), bool)
        for name, columns in self.parts.items():
            mask[columns] = name in parts
        return mask


def stack_candidates(
    fit: CrossFit, groups: ColumnGroups, trained: Mapping[str, Trained], parts: Sequence[str], n_training: int
) -> list[Candidate]:
    """Fitted (one per pull), uniform and alone, over the computed columns and those of ``parts``."""
    label = "+".join(["computed", *parts])
    fresh = [part for part in parts if len(trained[part].unseen) == n_training]
    later = [part for part in parts if part not in fresh]
    allowed = groups.of(parts)
    fitted = [
        Candidate(name=f"fitted({pull:g}):{label}", weights=_fitted(fit, groups, trained, fresh, later, pull))
        for pull in PULLS
    ]
    uniform = Candidate(name=f"uniform:{label}", weights=np.where(allowed, UNIFORM, 0.0))
    eye = np.eye(len(groups.names))
    alone = [Candidate(name=f"alone:{groups.names[row]}", weights=eye[row]) for row in np.flatnonzero(allowed)]
    return [*fitted, uniform, *alone]


def _fitted(
    fit: CrossFit,
    groups: ColumnGroups,
    trained: Mapping[str, Trained],
    fresh: list[str],
    later: list[str],
    pull: float,
) -> NDArray[np.float64]:
    first = groups.of(fresh)
    weights = fit_weights(fit.stack_examples, np.where(first, UNIFORM, 0.0), pull, fixed=~first)
    if not later:
        return weights
    unseen = np.logical_and.reduce([np.isin(fit.users, trained[part].unseen) for part in later])
    if unseen.sum() < MIN_UNSEEN:
        return weights
    both = groups.of([*fresh, *later])
    start = np.where(both & ~first, UNIFORM, weights)
    return fit_weights(fit.stack_examples.only(unseen), start, pull, fixed=~both)
