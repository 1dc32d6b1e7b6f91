"""How weights shift with the gap since a user's last event.

At gap k the weights are w + d_k. They minimise the stack's cross-entropy plus λ/2 (‖w − w₀‖² + Σ_k ‖d_k‖²), w₀ being
those that do not depend on the gap: a gap of which the examples tell little keeps them.

N examples, R columns, K gaps.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.stack import Fit, StackExamples, cross_entropy, minimise


def fit_gap_path(
    examples: StackExamples,
    gaps: NDArray[np.int64],
    count: int,
    anchors: Sequence[NDArray[np.float64]],
    columns: NDArray[np.bool_],
    l2_strengths: Sequence[float],
) -> list[NDArray[np.float64]]:
    """[K, R] weights at each gap for each of ``l2_strengths``, which rise.

    Args:
        examples: what to fit on.
        gaps: [N] of each example, from 1 to K; 0 where it is not known.
        count: K.
        anchors: w₀ [R] for each L2 strength.
        columns: [R] that are free; the weights of all others must be 0 in the anchors.
        l2_strengths: λ.
    """
    narrow = examples.of_columns(columns)
    parts = {int(gap): narrow.only(gaps == gap) for gap in np.unique(gaps)}
    width, path = int(columns.sum()), []
    begin = None
    for l2_strength, anchor in reversed(list(zip(l2_strengths, anchors, strict=True))):
        start = np.concatenate([anchor[columns], np.zeros(count * width)])
        begin = minimise(lambda flat: _loss(parts, flat, width), start, l2_strength, start if begin is None else begin)
        rows = begin.reshape(-1, width)
        weights = np.zeros((count, len(columns)))
        weights[:, columns] = rows[0] + rows[1:]
        path.append(weights)
    return path[::-1]


def _loss(parts: dict[int, StackExamples], shifts: torch.Tensor, width: int) -> Fit:
    """The mean cross-entropy of all parts, by gap, under w and every d_k as one row."""
    rows = shifts.reshape(-1, width)
    value, gradient, hessian = 0.0, torch.zeros_like(rows), torch.zeros(*rows.shape, *rows.shape, dtype=rows.dtype)
    total = sum(map(len, parts.values()))
    for gap, part in parts.items():
        touched = [0, gap] if gap else [0]
        share = len(part) / total
        of_part = cross_entropy(part, rows[touched].sum(0))
        value += share * of_part[0]
        for row in touched:
            gradient[row] += share * of_part[1]
            for other in touched:
                hessian[row, :, other] += share * of_part[2]
    return value, gradient.reshape(-1), hessian.reshape(len(shifts), len(shifts))
