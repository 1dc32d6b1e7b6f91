"""What stands for the catalogue where a history is looked at: all of it, or a shortlist and a sample of the rest.

B histories, n items, M items that are looked at, R columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.scorers.lookups import Hidden, Looked, Lookup


@dataclass(frozen=True, eq=False, kw_only=True)
class Shortlist:
    """Items of a batch of histories, and how many items of the catalogue each stands for."""

    items: torch.Tensor
    """[B, M] int64; the same item twice has one entry that counts"""
    weights: torch.Tensor
    """[B, M] 1 for an item itself, more for one of a sample, 0 for what may not be recommended or is there twice; True
    or False where the catalogue is whole"""
    offered: torch.Tensor
    """[B, M] True for what a list may hold: what columns offered; all but hidden items where the catalogue is whole"""
    n_items: int
    is_whole: bool = False

    @classmethod
    def whole(cls, candidates: torch.Tensor) -> "Shortlist":
        """The whole catalogue; ``candidates`` [B, n] is False for items that may not be recommended."""
        n_items = candidates.shape[1]
        items = torch.arange(n_items).expand(candidates.shape)
        return cls(items=items, weights=candidates, offered=candidates, n_items=n_items, is_whole=True)

    def places(self, wanted: Sequences) -> torch.Tensor:
        """[T] where the items of ``wanted``, one list for each history, stand among the M of theirs; −1 if they do not.

        Args:
            wanted: items that the shortlist was made with, of each history all at once or one after the other.
        """
        owners = torch.from_numpy(wanted.owners())
        items = torch.from_numpy(wanted.items.astype(np.int64))
        if self.is_whole:
            return items
        keys = (self.items + self.n_items * torch.arange(len(self.items))[:, None]).masked_fill(self.weights <= 0, -1)
        flat, order = keys.reshape(-1).sort()
        asked = items + self.n_items * owners
        entries = torch.searchsorted(flat, asked).clamp(max=len(flat) - 1)
        return torch.where(flat[entries] == asked, order[entries] % self.items.shape[1], -1)


def shortlist_of(
    lookups: Sequence[Lookup], hidden: Hidden, wanted: Sequences, sample: NDArray[np.int64], offers: int
) -> tuple[Shortlist, Looked]:
    """The best items of every column, what is asked about, and a sample of the rest.

    Args:
        lookups: R columns of B histories.
        hidden: what may not be recommended.
        wanted: B lists of items that are asked about, which stand for themselves though no column offers them.
        sample: [S] items drawn without regard to the histories, each once.
        offers: items that each column may offer.

    Returns:
        The shortlist, and where the columns are to be looked at for it.
    """
    n_items, count = hidden.n_items, len(hidden.lists)
    asked = _padded(wanted)
    pool = np.concatenate([*(lookup.offers(offers) for lookup in lookups), asked], axis=1)
    was_asked = np.zeros(pool.shape, bool)
    was_asked[:, pool.shape[1] - asked.shape[1] :] = True
    order = np.argsort(2 * pool + was_asked, axis=1, kind="stable")
    pool, was_asked = np.take_along_axis(pool, order, 1), np.take_along_axis(was_asked, order, 1)
    again = np.zeros(pool.shape, bool)
    again[:, 1:] = pool[:, 1:] == pool[:, :-1]
    rows = n_items * np.arange(count)[:, None]
    counts = (pool >= 0) & ~again & ~hidden.at(np.maximum(pool, 0) + rows)
    width = int(counts.sum(1).max(initial=0))
    first = np.argsort(~counts, axis=1, kind="stable")[:, :width]
    pool, counts, was_asked = (np.take_along_axis(values, first, 1) for values in (pool, counts, was_asked))
    pool = np.maximum(pool, 0)
    sampled = ~hidden.at(sample + rows)
    sampled &= ~_among(sample, pool, counts, n_items)
    rest = n_items - _distinct(hidden) - counts.sum(1)
    each = rest / np.maximum(sampled.sum(1), 1)
    weights = np.concatenate([counts, sampled * each[:, None]], axis=1).astype(np.float32)
    offered = np.concatenate([counts & ~was_asked, np.zeros(sampled.shape, bool)], axis=1)
    looked = Looked(pool, sample, n_items)
    chosen = Shortlist(
        items=looked.items,
        weights=torch.from_numpy(weights),
        offered=torch.from_numpy(offered),
        n_items=n_items,
    )
    return chosen, looked


def _padded(lists: Sequences) -> NDArray[np.int64]:
    """[B, the length of the longest] with −1 behind each list's end."""
    lengths = lists.lengths()
    padded = np.full((len(lists), int(lengths.max(initial=0))), -1)
    owners = lists.owners()
    padded[owners, np.arange(len(owners)) - lists.offsets[owners]] = lists.items
    return padded


def _among(
    sample: NDArray[np.int64], pool: NDArray[np.int64], counts: NDArray[np.bool_], n_items: int
) -> NDArray[np.bool_]:
    """[B, S] whether an item of the sample is on the shortlist of a history."""
    place = np.full(n_items, -1)
    place[sample] = np.arange(len(sample))
    there = place[pool]
    rows, columns = np.nonzero((there >= 0) & counts)
    among = np.zeros((len(pool), len(sample)), bool)
    among[rows, there[rows, columns]] = True
    return among


def _distinct(hidden: Hidden) -> NDArray[np.int64]:
    """[B] how many items are hidden."""
    owners, _ = hidden.distinct
    return np.bincount(owners, minlength=len(hidden.lists))
