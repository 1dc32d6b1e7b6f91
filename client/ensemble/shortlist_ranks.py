"""Ranks of relevant items where a shortlist and a sample stand for the catalogue.

An item that is better counts as many as it stands for, so a rank is right for items of the shortlist and an estimate
beyond it. A relevant item that no column offered cannot be in a list: its rank is behind all that were offered.

B examples, M items that are looked at, T relevant items.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples
from client.ensemble.shortlist import Shortlist
from client.evaluation.ranking import K, Ranking, best_first


def ranks_among(
    scores: torch.Tensor, shortlist: Shortlist, examples: Examples, places: torch.Tensor
) -> NDArray[np.float64]:
    """The rank of every relevant item.

    Args:
        scores: [B, M], −inf for what may not be recommended.
        shortlist: the M items, made with what is relevant.
        examples: B of them.
        places: [T] where what is relevant stands among the M, as ``Shortlist.places`` tells.

    Returns:
        [T] ranks from 1, example by example.
    """
    owners = torch.from_numpy(examples.relevant.owners())
    is_there = places >= 0
    places = places.clamp(min=0)
    own = scores[owners, places][:, None]
    others, weights = scores[owners], shortlist.weights[owners]
    better = ((others > own) * weights).sum(1)
    equal = ((others == own) * weights).sum(1) - 1
    ranks = (1 + better + equal.clamp(min=0) / 2).double()
    behind = (1 + shortlist.offered.sum(1)[owners]).double()
    ranks = torch.where(_is_offered(shortlist, examples, places), ranks, torch.maximum(ranks, behind))
    return torch.where(is_there, ranks, float(shortlist.n_items)).numpy()


def rank_among(scores: torch.Tensor, shortlist: Shortlist, examples: Examples) -> Ranking:
    """The ranking of a batch; lists hold what columns offered.

    Args:
        scores: [B, M], −inf for what may not be recommended.
        shortlist: the M items, made with what is relevant.
        examples: B of them.

    Returns:
        The ranks of the relevant items, with the best items of each example.
    """
    places = shortlist.places(examples.relevant)
    best = best_first(scores.masked_fill(~shortlist.offered, -torch.inf), K)
    return Ranking(
        users=examples.users,
        ranks=ranks_among(scores, shortlist, examples, places),
        recommended=shortlist.items.gather(1, best).numpy().astype(np.int32),
        sizes=examples.sizes,
        outside=~_is_offered(shortlist, examples, places).numpy(),
    )


def _is_offered(shortlist: Shortlist, examples: Examples, places: torch.Tensor) -> torch.Tensor:
    """[T] whether a list may hold a relevant item."""
    owners = torch.from_numpy(examples.relevant.owners())
    return shortlist.offered[owners, places.clamp(min=0)] & (places >= 0)
