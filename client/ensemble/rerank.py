"""Re-ranking by maximal marginal relevance: some relevance is given up for lists whose items are less alike.

Carbonell, Goldstein (SIGIR 1998): the next item of a list is the one with the largest
(1 − λ) · relevance − λ · largest cosine to the items that are already in the list. Relevance is a user's score, brought
to 0 .. 1 over a pool of their best items (k, if that is more), which are all that may be picked. λ = 0 is the plain
ranking.

B users, n items, P of the pool, D features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples
from client.ensemble.ensemble import WEIGHTS_AT_ONCE, Ensemble
from client.ensemble.fitting import view_ranking, view_scores
from client.evaluation.ranking import K, Ranking, best_first
from shared.system.options import Checked, bounded

_LAST = -1e6
"""Worth of an item that may not be recommended: below all others, above those that are picked already."""


@dataclass(frozen=True, kw_only=True)
class RerankSettings(Checked):
    """What may be picked."""

    pool: int = bounded(50, least=1)
    """best items of a user; k, if that is more"""


DEFAULT = RerankSettings()


def rank_diversified(
    ensemble: Ensemble,
    weights: NDArray[np.float64],
    held_out: Examples,
    features: NDArray[np.float32],
    strengths: Sequence[float],
    settings: RerankSettings = DEFAULT,
) -> list[Ranking]:
    """One ranking per λ in ``strengths``, under weights [R] or [1 + K, R], all in one pass over the examples.

    Args:
        ensemble: the fitted scorers.
        weights: of its columns.
        held_out: whom to rank for.
        features: [n, D], rows of length 1 or 0, whose cosines say how alike items are.
        strengths: each from 0 to 1.
        settings: what may be picked.
    """
    vectors = torch.from_numpy(features)
    parts: list[list[Ranking]] = [[] for _ in strengths]
    for batch, view in ensemble.raw.views(held_out, len(ensemble.names) + WEIGHTS_AT_ONCE):
        (scores,) = view_scores(ensemble, weights[None], batch, view)
        offered = scores.masked_fill(~view.shortlist.offered, -torch.inf)
        reranked = rerank(offered, vectors, strengths, settings, items=view.shortlist.items)
        for part, ranked in zip(parts, reranked, strict=True):
            part.append(view_ranking(ranked, batch, view))
    return [Ranking.joined(part) for part in parts]


def rerank(
    scores: torch.Tensor,
    features: torch.Tensor,
    strengths: Sequence[float],
    settings: RerankSettings = DEFAULT,
    *,
    k: int = K,
    items: torch.Tensor | None = None,
) -> Iterator[torch.Tensor]:
    """Raise the k picked items above all others, in their order, for each λ.

    λ = 0 gives back the scores as they are.

    Args:
        scores: [B, n]; items that may not be recommended are −inf, and stay so; a NaN is picked after every number.
        features: [n, D] rows of length 1 or 0, whose cosines say how alike items are.
        strengths: λ, each from 0 to 1.
        settings: what may be picked.
        k: how many items are picked.
        items: [B, n] the rows of ``features`` that are scored; None where these are all of them in their order.

    Returns:
        Scores [B, n], one for each λ.
    """
    pool = best_first(scores, max(settings.pool, k))
    vectors = features[pool if items is None else items.gather(1, pool)]
    cosines = vectors @ vectors.transpose(1, 2)
    relevance = _relevance(scores.gather(1, pool))
    for strength in strengths:
        yield scores if strength == 0 else _raised(scores, pool, _picks(relevance, cosines, strength, k))


def _relevance(best: torch.Tensor) -> torch.Tensor:
    """[B, P] scores, the best first, to 1 for the best down to 0 for the last; −inf where it is no number."""
    allowed = best.isfinite()
    low = best.masked_fill(~allowed, torch.inf).amin(1, keepdim=True)
    spread = (best[:, :1] - low).clamp(min=torch.finfo(best.dtype).tiny)
    return ((best - low) / spread).masked_fill(~allowed, -torch.inf)


def _picks(relevance: torch.Tensor, cosines: torch.Tensor, strength: float, k: int) -> torch.Tensor:
    """[B, P] and [B, P, P] to [B, k] places in the pool, in the order of picking; the best comes first."""
    allowed = relevance.isfinite()
    picked = torch.zeros(len(relevance), 1, dtype=torch.int64)
    free = torch.ones_like(allowed).scatter_(1, picked, value=False)
    likeness = cosines[:, 0]
    for _ in range(min(k, relevance.shape[1]) - 1):
        worth = ((1 - strength) * relevance - strength * likeness).masked_fill(~allowed, _LAST)
        pick = worth.masked_fill(~free, -torch.inf).argmax(1, keepdim=True)
        free.scatter_(1, pick, value=False)
        likeness = torch.maximum(likeness, cosines.gather(1, pick[:, :, None].expand(-1, -1, cosines.shape[2]))[:, 0])
        picked = torch.cat([picked, pick], dim=1)
    return picked


def _raised(scores: torch.Tensor, pool: torch.Tensor, picked: torch.Tensor) -> torch.Tensor:
    """[B, n] scores with the picked items above all others; one that may not be recommended stays where it was."""
    items = pool.gather(1, picked)
    before = scores.gather(1, items)
    places = torch.arange(items.shape[1], 0, -1, dtype=scores.dtype)
    most = scores.nan_to_num(nan=-torch.inf, neginf=-torch.inf).amax(1, keepdim=True)
    raised = torch.where(before.isfinite(), most + places, before)
    return scores.scatter(1, items, raised)
