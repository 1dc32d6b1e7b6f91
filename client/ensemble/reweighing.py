"""Weights moved by newer events, from those that are served: a small step, taken only where it is seen to be one ahead.

R columns, G gaps (one row of weights where they do not depend on the gap), N examples.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, some
from client.ensemble.cross_fitting import sampled
from client.ensemble.ensemble import Ensemble
from client.ensemble.fitting import ranks_of_all
from client.ensemble.gaps import stacked
from client.ensemble.stack import fit_path
from client.evaluation.ranking import by_user, ndcg_of
from shared.seeding import rng_for

LEAST = 50
"""Examples below which weights stay as they are."""
_L2_STRENGTH = 3.0
"""λ of the step, in nats per squared weight"""
_MARGIN = 1.0
"""standard errors by which moved weights have to be better than those that are served"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reweighed:
    """Which weights are served on, and what newer events say of them."""

    weights: NDArray[np.float64]
    """[R] or [G, R]"""
    moved: bool
    """whether they are others than before"""
    users: int
    """who were looked at: one half moves the weights, the other one judges"""
    ndcg: tuple[float, float] | None = None
    """NDCG@10 of those who judge, under the weights of before and the moved ones; None where too few were looked at"""


def reweighed(ensemble: Ensemble, weights: NDArray[np.float64], held_out: Examples, seed: int) -> Reweighed:
    """The weights, moved where that is better beyond noise for users by whom they were not moved.

    Args:
        ensemble: whose statistics have not seen what is predicted.
        weights: [R], or [G, R] where they depend on the gap.
        held_out: N examples, one a user.
        seed: parts the users in two halves, and draws negatives.

    Returns:
        The weights that are to be served.
    """
    count = len(held_out)
    if count < LEAST:
        return Reweighed(weights=weights, moved=False, users=count)
    order = rng_for(seed, "reweighing").permutation(count)
    moving, judging = (np.sort(half) for half in (order[: count // 2], order[count // 2 :]))
    moved = _moved(ensemble, weights, some(held_out, moving), seed)
    judges = some(held_out, judging)
    ranks = ranks_of_all(ensemble, stacked([weights, moved]), judges)
    before, after = by_user(ndcg_of(ranks, judges.sizes), judges.users)
    ahead = after - before
    is_better = bool(ahead.mean() > _MARGIN * ahead.std() / np.sqrt(len(ahead)))
    return Reweighed(
        weights=moved if is_better else weights,
        moved=is_better,
        users=count,
        ndcg=(float(before.mean()), float(after.mean())),
    )


def _moved(ensemble: Ensemble, weights: NDArray[np.float64], held_out: Examples, seed: int) -> NDArray[np.float64]:
    """The weights times a number, plus as much at every gap, fitted as a stack in which they are one more column."""
    drawn = sampled(ensemble, held_out, seed)
    rows = np.atleast_2d(weights)
    gaps = ensemble.gaps.steps(drawn.gaps) if len(rows) > 1 else np.zeros(len(drawn.gaps), np.int64)
    of_examples = torch.from_numpy(rows[gaps].astype(np.float32))
    served = of_examples[:, None] @ drawn.examples.log_ratios
    examples = replace(drawn.examples, log_ratios=torch.cat([served, drawn.examples.log_ratios], dim=1))
    columns = np.ones(1 + rows.shape[1], bool)
    anchor = np.append(1.0, np.zeros(rows.shape[1]))
    (step,) = fit_path(examples, [anchor], columns, [_L2_STRENGTH])
    return np.asarray(step[0] * weights + step[1:])
