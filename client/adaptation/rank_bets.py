"""Bets against uniform p-values: a test martingale, whose wealth stays small unless something changed.

A bet is f_ε(p) = 1 + ε (p − ½), as of the Simple Jumper (Vovk et al.: Retrain or not retrain: conformal test
martingales for change-point detection, COPA 2021). The stake waits, and a part of it is laid out at each step, evenly
over the ε: the wealth is a mixture over the moments at which a change may begin, so that a long quiet time before it
costs little. By Ville's inequality (Ville 1939) the wealth ever reaches 1/α with probability α at most. N steps, C
martingales.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SLOPES = np.array([-1.8, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0, 1.8])
"""ε"""
PATIENCE = 500.0
"""Steps in which half of the stake is laid out."""
_MOST = 1e100
"""of a bet's wealth: what is above it is given away"""


def wealth(ranked: Floats) -> Floats:
    """The wealth of each martingale after each step, from a stake of 1.

    What waits after t steps is c / (t + c), and what is laid out at t its decrease, c = ``PATIENCE``.

    Args:
        ranked: [N, C] p-values, uniform and independent in each column if nothing changed.

    Returns:
        [N, C] above 0.
    """
    steps, columns = ranked.shape
    waiting = PATIENCE / (np.arange(steps + 1) + PATIENCE)
    laid_out = np.zeros((columns, len(SLOPES)))
    reached = np.empty((steps, columns))
    for step in range(steps):
        laid_out += (waiting[step] - waiting[step + 1]) / len(SLOPES)
        laid_out = np.minimum(laid_out * (1 + SLOPES * (ranked[step, :, None] - 0.5)), _MOST)
        reached[step] = waiting[step + 1] + laid_out.sum(axis=1)
    return reached


@dataclass(frozen=True, kw_only=True)
class Begun:
    """When a change has most likely begun."""

    step: int
    """the first one after it, from 0"""
    slope: float
    """the bet that gained most since then; above 0 where values have fallen"""


def likely_beginning(ranked: Floats) -> Begun:
    """The stretch up to now in which one bet has gained most.

    Args:
        ranked: [N] p-values of one martingale, one or more.

    Returns:
        Its beginning and its bet.
    """
    gains = np.concatenate([np.zeros((1, len(SLOPES))), np.cumsum(np.log1p(SLOPES * (ranked[:, None] - 0.5)), axis=0)])
    bet = int((gains[-1] - gains.min(axis=0)).argmax())
    return Begun(step=min(int(gains[:, bet].argmin()), len(ranked) - 1), slope=float(SLOPES[bet]))
