"""Sequences cut into windows, sorted by length into batches without much padding.

B windows, L positions of the longest window in a batch, P positions that hold a history and a next item.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.ragged import stretches
from client.data.sequences import Sequences


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """Inputs and next items of one step."""

    items: NDArray[np.int64]
    """[B, L] item rows in time order, padding (item 0) last"""
    positions: NDArray[np.int64]
    """[P] places of the real inputs in the flattened [B · L]"""
    targets: NDArray[np.int64]
    """[P] the item that follows each of them"""
    places: NDArray[np.int64]
    """[P] where each input stands among the events of the sequences"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Windows:
    """Stretches of at most ``length`` inputs; every input but a sequence's last is in exactly one."""

    items: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequences, length: int) -> "Windows":
        """Cut from the end, so that it is the first window of a long sequence that is short.

        Args:
            sequences: in the order of time; one with less than two events has no window.
            length: most inputs of a window.

        Returns:
            The windows of all users, in the order of the users.
        """
        inputs = np.maximum(sequences.lengths() - 1, 0)
        pieces = -(-inputs // length)
        user = np.repeat(np.arange(len(sequences)), pieces)
        from_end = stretches(np.zeros_like(pieces), pieces)
        ends = inputs[user] - from_end * length
        begins = np.maximum(ends - length, 0)
        return cls(items=sequences.items, starts=sequences.offsets[user] + begins, lengths=ends - begins)

    def epoch(self, rng: np.random.Generator, tokens: int) -> Iterator[Batch]:
        """All windows once, in batches of about ``tokens`` positions, in random order.

        Args:
            rng: draws the order.
            tokens: positions of a batch, padding included; a batch of one window may have more.

        Returns:
            The batches, made one at a time.
        """
        mixed = rng.permutation(len(self.lengths))
        order = mixed[np.argsort(-self.lengths[mixed], kind="stable")]
        edges = self._edges(order, tokens)
        for index in rng.permutation(len(edges) - 1):
            yield self.batch(order[edges[index] : edges[index + 1]])

    def steps(self, tokens: int) -> int:
        """Number of batches in an epoch.

        Args:
            tokens: positions of a batch, as ``epoch`` takes them.

        Returns:
            The number.
        """
        return len(self._edges(np.argsort(-self.lengths, kind="stable"), tokens)) - 1

    def _edges(self, order: NDArray[np.int64], tokens: int) -> list[int]:
        edges = [0]
        while edges[-1] < len(order):
            longest = int(self.lengths[order[edges[-1]]])
            edges.append(min(len(order), edges[-1] + max(1, tokens // longest)))
        return edges

    def batch(self, windows: NDArray[np.int64]) -> Batch:
        """Some windows [B] as one batch, as wide as the longest of them."""
        starts, lengths = self.starts[windows], self.lengths[windows]
        width = int(lengths.max())
        real = np.arange(width) < lengths[:, None]
        places = (starts[:, None] + np.arange(width))[real]
        items = np.zeros(real.shape, np.int64)
        items[real] = self.items[places]
        targets = self.items[places + 1].astype(np.int64)
        return Batch(items=items, positions=np.flatnonzero(real), targets=targets, places=places)


def last_items(histories: Sequences, rows: NDArray[np.int64], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The last items of non-empty histories.

    Args:
        histories: in the order of time.
        rows: [B] which of them, none of them empty.
        length: most items of each.

    Returns:
        [B, L] item rows, padding (item 0) last, and [B] how many of them are real.
    """
    ends = histories.offsets[rows + 1]
    counts = np.minimum(ends - histories.offsets[rows], length)
    width = int(counts.max())
    real = np.arange(width) < counts[:, None]
    items = np.zeros(real.shape, np.int64)
    items[real] = histories.items[((ends - counts)[:, None] + np.arange(width))[real]]
    return torch.from_numpy(items), torch.from_numpy(counts)
