"""What a platform may release of its users under noise: a sum to which each user gives a matrix of length 1.

What it is good for stands in shared/encoder/cross.py.

D feature dim.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.training.moments import DECAY
from shared.encoder.cross import CatalogueMoments, to_vector

Float64 = NDArray[np.float64]
ROWS_AT_ONCE = 4096
"""Pairs that are looked at together; a user's pairs stay together whatever their number."""
CANCELLED = 1e-6
"""of what pairs could come to together: below it they nearly cancel out"""


def cross_moment(features: NDArray[np.float32], sequences: Sequences, public: CatalogueMoments) -> Float64:
    """The sum over users of what each gives; adding or removing one moves it by a length of 1 at the most.

    One without a pair of a history and a next item gives nothing.

    Args:
        features: [n, D] rows of length 1.
        sequences: of the users who contribute.
        public: mean and covariance of the catalogue's vectors, by which histories and next items are whitened.

    Returns:
        [D(D+1)/2] the symmetric sum as a vector.
    """
    total = np.zeros((features.shape[1], features.shape[1]))
    for queries, targets, ends in _blocks(features, sequences, public):
        weights = [
            _weight(queries[start:end], targets[start:end]) for start, end in zip([0, *ends], ends, strict=False)
        ]
        lengths = np.diff([0, *ends])
        total += (queries * np.repeat(weights, lengths)[:, None]).T @ targets
    return to_vector(total)


def _weight(queries: Float64, targets: Float64) -> float:
    """1 over the length of a user's symmetric sum of qyᵀ, [k, D] both; 0 where it has none.

    By products of pairs where these are fewer than dimensions. What nearly cancels out would be off by its own size in
    them, and a weight that is too large breaks the promise: then the matrix itself is looked at.
    """
    most = float((queries**2).sum() * (targets**2).sum())
    square = _square_by_pairs(queries, targets) if len(queries) <= queries.shape[1] else 0.0
    if square < CANCELLED * most:
        square = float((to_vector(queries.T @ targets) ** 2).sum())
    return float(square**-0.5) if square > CANCELLED**2 * most else 0.0


def _square_by_pairs(queries: Float64, targets: Float64) -> float:
    crossed = queries @ targets.T
    return float(((queries @ queries.T) * (targets @ targets.T)).sum() + (crossed * crossed.T).sum()) / 2


def _blocks(
    features: NDArray[np.float32], sequences: Sequences, public: CatalogueMoments
) -> Iterator[tuple[Float64, Float64, list[int]]]:
    """Whitened histories and next items [k, D] of whole users, and where each user's pairs end."""
    centre = public.mean @ public.whitening
    counts = np.maximum(sequences.lengths() - 1, 0)
    users = np.flatnonzero(counts)
    starts = np.r_[0, np.flatnonzero(np.diff(np.cumsum(counts[users]) // ROWS_AT_ONCE)) + 1, len(users)]
    for first, last in pairwise(starts):
        block = users[first:last]
        if len(block):
            yield _pairs(features, sequences, block, public.whitening, centre)


def _pairs(
    features: NDArray[np.float32], sequences: Sequences, users: NDArray[np.int64], whitening: Float64, centre: Float64
) -> tuple[Float64, Float64, list[int]]:
    items, rows = np.unique(
        np.concatenate([sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]] for user in users]),
        return_inverse=True,
    )
    raw = features[items].astype(np.float64)
    white = raw @ whitening
    lengths = sequences.lengths()[users]
    begins, ends = np.r_[0, np.cumsum(lengths)[:-1]], np.cumsum(lengths - 1)
    places = ends - (lengths - 1)
    queries, targets = np.empty((int(ends[-1]), raw.shape[1])), np.empty((int(ends[-1]), raw.shape[1]))
    state, turned = np.zeros((len(users), raw.shape[1])), np.zeros((len(users), raw.shape[1]))
    for position in range(int(lengths.max()) - 1):
        active = np.flatnonzero(lengths - 1 > position)
        now = rows[begins[active] + position]
        state[active] = DECAY * state[active] + raw[now]
        turned[active] = DECAY * turned[active] + white[now]
        norms = np.maximum(np.linalg.norm(state[active], axis=1, keepdims=True), 1e-12)
        queries[places[active] + position] = turned[active] / norms - centre
        targets[places[active] + position] = white[rows[begins[active] + position + 1]] - centre
    return queries, targets, [int(end) for end in ends]
