"""Which of two is preferred, told at any moment: bets on the winners of trials.

Where neither is better, each wins a trial with probability ½ whatever came before. The wealth is the likelihood ratio
against that, as a mixture over all p above ½ under a Beta prior cut off there (Robbins: Statistical methods related to
the law of the iterated logarithm, 1970; Johari et al.: Always valid inference, 2022). It is a test supermartingale
where p ≤ ½, so by Ville's inequality it ever reaches 1/α with probability α at most.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

PRIOR = 10.0
"""a of the prior Beta(a, a): preferences lie within some .15 of ½"""


def log_wealth(wins: NDArray[Any] | int, losses: NDArray[Any] | int) -> NDArray[np.float64]:
    """The logarithm of the wealth of who bets on one side.

    log [2^n · 2 B(a + s, a + f) (1 − I_½(a + s, a + f)) / B(a, a)] after s wins and f losses, n = s + f.

    Args:
        wins: s of that side.
        losses: f, wins of the other one.

    Returns:
        In nats, of the shape of both.
    """
    won, lost = PRIOR + np.asarray(wins, float), PRIOR + np.asarray(losses, float)
    above = np.maximum(betainc(lost, won, 0.5), np.finfo(float).tiny)
    trials = won + lost - 2 * PRIOR
    return np.asarray((trials + 1) * np.log(2) + betaln(won, lost) + np.log(above) - betaln(PRIOR, PRIOR))
