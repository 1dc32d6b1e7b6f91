"""What a re-ranked list costs: NDCG@10 against the diversity within lists, over several strengths."""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, some
from client.ensemble.panel import Panel
from client.ensemble.rerank import RerankSettings, rank_diversified
from client.evaluation.beyond_accuracy import intra_list_diversity
from shared.seeding import rng_for
from simulations.results.outcomes import TradeOff

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
MAX_USERS = 300
"""Test users who are re-ranked at every strength."""


def trade_off(
    panel: Panel,
    weights: NDArray[np.float64],
    tests: Examples,
    features: NDArray[np.float32],
    settings: RerankSettings,
    *,
    seed: int,
) -> TradeOff:
    """The curve of one stack, weights [R], on test examples; ``features`` [n, D] say how alike items are."""
    rows = np.sort(rng_for(seed, "trade-off").permutation(len(tests))[:MAX_USERS])
    rankings = rank_diversified(panel, weights, some(tests, rows), features, STRENGTHS, settings)
    return TradeOff(
        users=len(rows),
        strengths=STRENGTHS,
        ndcg=tuple(float(ranking.ndcg.mean()) for ranking in rankings),
        diversity=tuple(float(intra_list_diversity(ranking.recommended, features).mean()) for ranking in rankings),
    )
