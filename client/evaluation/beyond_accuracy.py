"""What recommended lists are like beside being right: unlike in themselves, little known, spread over the catalogue.

N lists of k items, two or more, over a catalogue of n items with D features.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.data.sequences import Sequences

ALL = "all"
_CHUNK = 4_096


@dataclass(frozen=True, eq=False, kw_only=True)
class ListQuality:
    """What one way of recommending gives N users."""

    diversity: NDArray[np.float64]
    """[N] as ``intra_list_diversity`` says"""
    novelty: NDArray[np.float64]
    """[N] bits; the mean self-information of a list's items"""
    coverage: Mapping[str, float]
    """slice of the users, ``ALL`` among them: share of the catalogue that one of their lists holds"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ListJudge:
    """Judges lists over one catalogue."""

    features: NDArray[np.float32]
    """[n, D], rows of length 1 or 0"""
    information: NDArray[np.float64]
    """[n] bits, as ``self_information`` says"""

    def judge(self, lists: NDArray[np.int32], slices: Mapping[str, NDArray[np.bool_]]) -> ListQuality:
        """The quality of lists, of all together and of parts of their users.

        Args:
            lists: [N, k] rows of items, a list for each user.
            slices: name of each part to the users in it, [N].

        Returns:
            diversity [N], novelty [N] in bits, and coverage by part, that of all lists among them.
        """
        n_items = len(self.features)
        parts = {name: coverage(lists[inside], n_items) for name, inside in slices.items()}
        return ListQuality(
            diversity=intra_list_diversity(lists, self.features),
            novelty=self.information[lists].mean(1),
            coverage={ALL: coverage(lists, n_items), **parts},
        )


def coverage(lists: NDArray[np.int32], n_items: int) -> float:
    """Share of the catalogue that stands in at least one of the lists.

    Args:
        lists: [N, k] rows of items.
        n_items: items of the catalogue.

    Returns:
        from 0 to 1.
    """
    return len(np.unique(lists)) / n_items


def intra_list_diversity(lists: NDArray[np.int32], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """How unlike each other the items of a list are (Ziegler et al. 2005).

    That is 1 − the mean cosine over the pairs of a list. An item without content, whose row of ``features`` is 0, is
    unlike every other. With unit rows the sum over pairs is half of what |Σ x|² holds beyond Σ |x|², so no pair is
    looked at.

    Args:
        lists: [N, k] rows of items; k is 2 or more.
        features: [n, D] vectors of the catalogue's items, rows of length 1 or 0.

    Returns:
        [N] a figure for each list.
    """
    k = lists.shape[1]
    vectors = torch.from_numpy(features)
    squares = np.square(features, dtype=np.float64).sum(1)
    pair_sums = np.empty(len(lists))
    for start in range(0, len(lists), _CHUNK):
        part = lists[start : start + _CHUNK]
        sums = functional.embedding_bag(torch.from_numpy(part.astype(np.int64)), vectors, mode="sum").double()
        pair_sums[start : start + _CHUNK] = sums.square().sum(1).numpy() - squares[part].sum(1)
    diversity: NDArray[np.float64] = 1 - pair_sums / (k * (k - 1))
    return diversity


def self_information(sequences: Sequences, n_items: int) -> NDArray[np.float64]:
    """How little known each item is: −log2 p(an item is known).

    The popularity-based item novelty of Vargas, Castells (RecSys 2011). p = (users who met it + 1) / (U + 1), so that
    an item nobody has met has log2(U + 1) bits instead of infinitely many, and one that all have met has none.

    Args:
        sequences: what each of the U users met; p is the share of them who met the item.
        n_items: items of the catalogue.

    Returns:
        [n] bits.
    """
    users = np.repeat(np.arange(len(sequences)), sequences.lengths())
    pairs = np.unique(users * n_items + sequences.items)
    known_by = np.bincount(pairs % n_items, minlength=n_items)
    information: NDArray[np.float64] = np.log2(len(sequences) + 1) - np.log2(known_by + 1)
    return information
