"""A platform's moments: sums over its events from which the linear part is solved.

Second moments of the inputs of an encoder's other matrices say how a change of it is cut to low rank.

U users, E events, n items, D feature dim, P pairs of a history and its next item.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk
from torch import nn

from client.data.sequences import Sequences
from client.features.rows import sparse_rows
from client.training.batches import Windows
from client.training.sequence_model import SequenceModel
from shared.encoder.encoder import SEQUENCE
from shared.encoder.linear import Moments
from shared.system.progress import track

TOKENS = 4096
"""Positions that are looked at together."""
DECAY = 0.6
"""weight of a history's item per step back, as the ``linear`` scorer uses it"""
USERS_AT_ONCE = 4096
ROWS_AT_ONCE = 4096

Float64 = NDArray[np.float64]
Rows = NDArray[np.int64]


def platform_moments(features: NDArray[np.float32], sequences: Sequences, *, alike: bool = False) -> Moments:
    """Moments of all pairs (decayed mean of a history of at least one item, its next item).

    Memory is bounded by three features tables and a block of rows, whatever U and E are; items that are nobody's next
    one cost nothing.

    Args:
        features: [n, D] rows of length 1.
        sequences: what the platform contributes.
        alike: whether each sequence with a pair counts as much as another: by the mean over its pairs.

    Returns:
        Sums over all pairs, and how many there are; of ``alike`` ones the sum of their means, and how many they are.
    """
    items, rows = np.unique(sequences.items, return_inverse=True)
    wide = features[items].astype(np.float64)
    dim = wide.shape[1]
    upper, sum_q = np.zeros((dim, dim), order="F"), np.zeros(dim)
    before, counts = np.zeros_like(wide), np.zeros(len(items))
    blocks = _row_blocks(_steps(wide, replace(sequences, items=rows.astype(np.int32)), DECAY))
    for queries, targets, owners in track(blocks, "counting pairs", -(-len(rows) // ROWS_AT_ONCE)):
        pairs = len(targets)
        weights = 1.0 / (sequences.lengths()[owners] - 1) if alike else np.ones(pairs, np.float32)
        upper = dsyrk(1.0, (queries * np.sqrt(weights)[:, None]).T, beta=1.0, c=upper, overwrite_c=True)
        before += sparse_rows(weights, targets, np.arange(pairs + 1), (pairs, len(items))).T @ queries
        sum_q += weights @ queries
        counts += np.bincount(targets, weights, minlength=len(items))
    met = np.flatnonzero(counts)
    return Moments(
        A=_whole(upper),
        B=before[met].T @ wide[met],
        C=_whole(dsyrk(1.0, (wide[met] * np.sqrt(counts[met])[:, None]).T)),
        sum_q=sum_q,
        sum_y=counts @ wide,
        n=float(counts.sum()),
    )


def _whole(upper: Float64) -> Float64:
    """[D, D] a symmetric matrix from its upper triangle."""
    return np.triu(upper) + np.triu(upper, 1).T


def _steps(wide: Float64, sequences: Sequences, decay: float) -> Iterator[tuple[Float64, Rows, Rows]]:
    """Per block of users and position: the unit history vectors [k, D], the next items [k], and whose they are [k].

    Users come longest first, so that those who still have a next item are always the first k.
    """
    lengths = sequences.lengths()
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] >= 2]
    for start in range(0, len(order), USERS_AT_ONCE):
        users = order[start : start + USERS_AT_ONCE]
        starts, counts = sequences.offsets[users], lengths[users]
        state = np.zeros((len(users), wide.shape[1]))
        for position in range(int(counts[0]) - 1):
            active = int(np.searchsorted(-counts, -(position + 1)))
            now = starts[:active] + position
            state = decay * state[:active] + wide[sequences.items[now]]
            norms = np.linalg.norm(state, axis=1, keepdims=True)
            yield state / np.maximum(norms, 1e-12), sequences.items[now + 1].astype(np.int64), users[:active]


def _row_blocks(steps: Iterator[tuple[Float64, Rows, Rows]]) -> Iterator[tuple[Float64, Rows, Rows]]:
    """The same pairs in blocks that are large enough for matrix products to be fast."""
    block: list[tuple[Float64, Rows, Rows]] = []
    for step in steps:
        block.append(step)
        if sum(len(targets) for _, targets, _ in block) >= ROWS_AT_ONCE:
            yield _joined(block)
            block = []
    if block:
        yield _joined(block)


def _joined(block: list[tuple[Float64, Rows, Rows]]) -> tuple[Float64, Rows, Rows]:
    queries, targets, owners = zip(*block, strict=True)
    return np.concatenate(queries), np.concatenate(targets), np.concatenate(owners)


def input_moments(
    model: SequenceModel, sequences: Sequences, rng: np.random.Generator, *, batches: int
) -> dict[str, NDArray[np.float64]]:
    """Sums of the outer products of the inputs of each matrix in the encoder.

    Inputs of the item tower are of the whole catalogue, those of the history tower of the positions of ``sequences``.

    Args:
        model: whose towers are looked at; it is left as it was.
        sequences: training events, rows of the catalogue.
        rng: draws the batches.
        batches: most batches, of ``TOKENS`` positions each: a round takes about as long everywhere.

    Returns:
        [i, i] by the name of a matrix in the encoder, i being the width of its input.
    """
    moments: dict[str, NDArray[np.float64]] = {}
    real: NDArray[np.int64] | slice = slice(None)

    def looked_at(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def add(_module: nn.Module, inputs: Any, _output: Any) -> None:
            flat = inputs[0].detach().reshape(-1, inputs[0].shape[-1])[real].double()
            moments[name] = moments.get(name, 0) + (flat.T @ flat).numpy()

        return add

    towers = {"item": model.item, "history": model.history}
    hooks = [
        layer.register_forward_hook(looked_at(f"{SEQUENCE}{tower}.{name}.weight"))
        for tower, module in towers.items()
        if module is not None
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    training = model.training
    try:
        model.eval()
        with torch.no_grad():
            vectors = model.item_vectors(None)
            for batch in islice(Windows.of(sequences, model.length).epoch(rng, TOKENS), batches):
                real = batch.positions
                model.history(vectors[torch.from_numpy(batch.items)])
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return moments
