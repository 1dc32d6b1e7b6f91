"""EASE: a linear item-to-item model with a zero diagonal, in closed form (Steck, WWW 2019).

Of a catalogue that is too large to invert a matrix of all its items, only the block of those that most users met is
inverted; what the others add to it is a Schur complement, and among them counts what was met together (the first term
of their inverse's Neumann series: they are few beside λ). n items, H of the block, T others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.features.rows import largest, sparse_rows
from client.scorers.cooccurrence import Matrix
from client.scorers.lookups import DenseLookup, Hidden, Lookup
from client.scorers.scorer import ROW, Column, FitData, HistoryBatch, Kind, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class EaseSettings(Checked):
    """What may be chosen about it."""

    regularisation: float = bounded(100.0, above=0)
    """λ, in users who met an item"""
    most_items: int = bounded(4_000, least=1)
    """items up to which the matrix of all is inverted, in a catalogue that is scored whole"""
    block: int = bounded(3_000, least=1)
    """items whose matrix is inverted in a larger one"""


DEFAULT = EaseSettings()
_AT_ONCE = 2_000
"""items whose weights are worked out at once"""


class Ease:
    """bag(1) · B with B = I − P · diag(1 / P_ii), P = (XᵀX + λI)⁻¹."""

    columns = (Column(name="ease", kind=Kind.SIMILARITY),)

    def __init__(self, data: FitData, settings: EaseSettings = DEFAULT) -> None:
        self._weights = data.statistic(
            f"ease@{settings.regularisation:g}", lambda: _weights(data, settings), lambda before, _change: before
        )

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [product(batch.bag(1.0), self._weights)]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        if not isinstance(self._weights, np.ndarray):
            return hidden.walked(batch.bags((1.0,)), self._weights, signed=True)
        return [DenseLookup(scores, hidden) for scores in self.score(batch)]


def _weights(data: FitData, settings: EaseSettings) -> Matrix:
    if data.row is None and data.n_items <= settings.most_items:
        return _whole(data, settings.regularisation)
    return _by_block(data.user_items, settings.regularisation, settings.block, ROW)


def _whole(data: FitData, regularisation: float) -> NDArray[np.float32]:
    """[n, n] of all items."""
    gram = torch.from_numpy((data.user_items.T @ data.user_items).toarray())
    inverse = _inverse(gram, regularisation)
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0.0)
    return np.ascontiguousarray(weights.numpy())


def _inverse(gram: torch.Tensor, regularisation: float) -> torch.Tensor:
    gram.diagonal().add_(regularisation)
    return torch.cholesky_inverse(torch.linalg.cholesky(gram))


def _by_block(user_items: sp.csr_array, regularisation: float, block: int, row: int) -> sp.csr_array:
    """[n, n] of each row the ``row`` weights that are furthest from 0."""
    popularity = np.bincount(user_items.indices, minlength=user_items.shape[1])
    order = np.argsort(-popularity, kind="stable")
    head, tail = np.sort(order[:block]), np.sort(order[block:])
    by_item = sp.csc_array(user_items)
    of_head, of_tail = sp.csr_array(by_item[:, head]), sp.csr_array(by_item[:, tail])
    users_of_tail = sp.csr_array(of_tail.T)
    # a diagonal that is nowhere below the others' own matrix, so that the block's complement can be inverted
    shares = (1 / (users_of_tail @ of_tail.sum(axis=1) + regularisation)).astype(np.float32)
    across = sp.csr_array(users_of_tail @ of_head)  # [T, H]
    scaled = sp.csr_array(across * shares[:, None])
    gram = torch.from_numpy((of_head.T @ of_head - across.T @ scaled).toarray())
    inverse = _inverse(gram, regularisation).numpy()
    diagonal = inverse.diagonal().copy()
    within = -inverse / diagonal
    np.fill_diagonal(within, 0)
    tail_rows: list[sp.csr_array] = []
    to_tail: Any = sp.csr_array((len(head), 0), dtype=np.float32)
    for start in range(0, len(tail), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        rows = sp.csr_array(scaled[part])
        moved = rows @ inverse  # [t, H] −P between these others and the block
        owners = np.repeat(np.arange(len(moved)), np.diff(rows.indptr))
        through = np.bincount(owners, rows.data * moved[owners, rows.indices], minlength=len(moved))
        to_tail = sp.hstack([to_tail, _furthest((moved / (shares[part] + through)[:, None]).T, row)], format="csr")
        to_tail = largest(to_tail, row, by_size=True)
        beside = sp.csr_array(users_of_tail[part] @ of_tail)
        owners = np.repeat(np.arange(len(moved)), np.diff(beside.indptr))
        beside.data *= np.where(owners + start == beside.indices, 0, shares[part][owners])
        both = sp.hstack([_furthest(moved / diagonal, row), largest(beside, row)], format="csr")
        tail_rows.append(largest(both, row, by_size=True))
    head_rows = largest(sp.hstack([_furthest(within, row), to_tail], format="csr"), row, by_size=True)
    weights = sp.coo_array(sp.vstack([head_rows, *tail_rows]))
    items = np.concatenate([head, tail])
    return sp.csr_array((weights.data.astype(np.float32), (items[weights.row], items[weights.col])), weights.shape)


def _furthest(weights: NDArray[np.floating], count: int) -> sp.csr_array:
    """[m, k] the ``count`` of each row that are furthest from 0."""
    count = min(count, weights.shape[1])
    columns = np.argpartition(np.abs(weights), -count, axis=1)[:, -count:]
    values = np.take_along_axis(weights, columns, axis=1).astype(np.float32)
    offsets = np.arange(len(weights) + 1) * count
    return sparse_rows(values.ravel(), columns.ravel(), offsets, (len(weights), weights.shape[1]))
