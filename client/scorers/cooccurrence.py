"""What users have in common: items that the same users met, counted at once or by what has changed.

U users, n items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.features.rows import blocks_of, largest, sparse_rows

Matrix = sp.csr_array | NDArray[np.floating]

_DENSE_SHARE = 0.15
"""Of pairs that occur, above which a dense matrix takes less memory and time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Change:
    """What users had when statistics were counted, and what the same users have now; of U users who have changed."""

    before: Sequences
    """[U]"""
    after: Sequences
    """[U]"""
    common: NDArray[np.int64]
    """[U] so many first events are the same"""
    statistics: Mapping[str, Matrix]
    """what was counted, [n] or [n, n] by name"""
    n_items: int

    @cached_property
    def user_items(self) -> tuple[sp.csr_array, sp.csr_array]:
        """[U, n] before and after, with 1 where a user met an item, once or more."""
        return user_items_of(self.before, self.n_items), user_items_of(self.after, self.n_items)

    def popularity(self, after: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n] number of users who had met the item before; ``after`` [n] is that of now."""
        had, have = (np.bincount(users.indices, minlength=self.n_items) for users in self.user_items)
        return np.asarray(np.maximum(after - have + had, 0), np.float32)


def csr_of(sequences: Sequences, weights: NDArray[np.float32], n_items: int) -> sp.csr_array:
    """A matrix with one entry per event; it shares no memory with the events.

    Args:
        sequences: of U users.
        weights: [E] value of each event's entry.
        n_items: n.

    Returns:
        [U, n]; an item that a user met twice has two entries.
    """
    return sparse_rows(weights, sequences.items, sequences.offsets, (len(sequences), n_items)).copy()


def user_items_of(sequences: Sequences, n_items: int) -> sp.csr_array:
    """A matrix of who met what.

    Args:
        sequences: of U users.
        n_items: n.

    Returns:
        [U, n] with 1 where a user met an item, once or more.
    """
    matrix = csr_of(sequences, np.ones(len(sequences.items), np.float32), n_items)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def item_similarity(user_items: sp.csr_array, shrink: float, row: int | None = None) -> Matrix:
    """C_ij / (√(C_ii C_jj) + shrink) with C = ÂᵀÂ, rows of Â = ``user_items`` scaled to length 1; 0 on i = j.

    Args:
        user_items: [U, n] with 1 where a user met an item.
        shrink: what is added to the denominator: pairs of items that few users met become less alike.
        row: values of each item's row that are kept, the largest; None keeps all.

    Returns:
        [n, n] float32; dense where most pairs occur and all are kept, else sparse.
    """
    scaled = _scaled(user_items)
    if row is not None:
        items = sp.csr_array(scaled.T)
        return _largest_similarities(items, scaled, _squares(scaled), shrink, row)
    cooccurrence = sp.coo_array(scaled.T @ scaled)
    norms = np.sqrt(cooccurrence.diagonal())
    of, to = cooccurrence.row, cooccurrence.col
    values = (cooccurrence.data / (norms[of] * norms[to] + shrink)).astype(np.float32)
    values[of == to] = 0
    similarity = sp.csr_array((values, (of, to)), shape=cooccurrence.shape)
    n = similarity.shape[0]
    return similarity.toarray() if similarity.nnz > _DENSE_SHARE * n * n else similarity


def similarity_after(
    before: sp.csr_array, change: Change, user_items: sp.csr_array, shrink: float, row: int
) -> sp.csr_array:
    """``item_similarity`` of now, from that before a change: counts of then leave, those of now join.

    Of pairs that are not in a row of ``before``, which holds the largest alone, what has changed counts.

    Args:
        before: [n, n] counted before the change, under the same ``shrink``.
        change: of some users.
        user_items: [U, n] of now, of all users.
        shrink: what is added to the denominator.
        row: values of each item's row that are kept, the largest.

    Returns:
        [n, n] float32.
    """
    had, have = map(_scaled, change.user_items)
    squares = _squares(_scaled(user_items))
    norms = np.sqrt(np.maximum(squares - _squares(have) + _squares(had), 0))
    of = np.repeat(np.arange(len(norms)), np.diff(before.indptr))
    values = (before.data * (norms[of] * norms[before.indices] + shrink)).astype(np.float32)
    counts = sparse_rows(values, before.indices, before.indptr, before.shape)
    itself = sp.eye_array(len(norms), dtype=np.float32, format="csr")
    items = sp.csr_array(sp.hstack([counts, have.T, -had.T], format="csr"))
    users = sp.csr_array(sp.vstack([itself, have, had], format="csr"))
    return _largest_similarities(items, users, squares, shrink, row)


def _scaled(user_items: sp.csr_array) -> sp.csr_array:
    """[U, n] rows of length 1."""
    lengths = np.maximum(np.diff(user_items.indptr), 1)
    return sp.csr_array(user_items * (1 / np.sqrt(lengths, dtype=np.float32))[:, None])


def _squares(scaled: sp.csr_array) -> NDArray[np.float64]:
    """[n] squared length of each column."""
    squares = np.bincount(scaled.indices, scaled.data.astype(np.float64) ** 2, minlength=scaled.shape[1])
    return np.asarray(squares, np.float64)


def _largest_similarities(
    items: sp.csr_array, users: sp.csr_array, squares: NDArray[np.float64], shrink: float, row: int
) -> sp.csr_array:
    """As ``item_similarity``, of C = ``items`` [n, V] times ``users`` [V, n], C_ii = ``squares`` [n].

    A block of items is worked out at a time, and of each the largest values alone are kept.
    """
    norms = np.sqrt(squares).astype(np.float32)
    pairs = items.astype(bool).astype(np.float32) @ np.diff(users.indptr).astype(np.float32)
    blocks = []
    for begin, end in blocks_of(pairs):
        block: sp.csr_array = sp.csr_array(items[begin:end] @ users)
        rows = np.repeat(np.arange(begin, end), np.diff(block.indptr))
        block.data /= norms[rows] * norms[block.indices] + np.float32(shrink)
        block.data[rows == block.indices] = 0
        np.maximum(block.data, 0, out=block.data)
        blocks.append(largest(block, row))
    return sp.csr_array(sp.vstack(blocks, format="csr"))
