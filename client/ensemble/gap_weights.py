"""Weights that shift with the gap since a user's last event, fitted together with those of all gaps.

At gap k the weights are w + d_k; where the gap is not known, w. They minimise the stack's cross-entropy plus
λ/2 (‖w − w₀‖² + Σ_k ‖d_k‖²), so that a gap of which the examples tell little has the weights of all.

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
    anchors: Sequence[NDArray[np.float64]],
    columns: NDArray[np.bool_],
    pulls: Sequence[float],
) -> list[NDArray[np.float64]]:
    """[1 + K, R] weights for each of ``pulls``, which rise, each pulled to its anchor [1 + K, R].

    Args:
        examples: what to fit on.
        gaps: [N] of each example, from 1 to K; 0 where it is not known.
        anchors: weights where the gap is not known, then those at each gap.
        columns: [R] that are free; the weights of all others must be 0 in the anchors.
        pulls: λ.
    """
    used = torch.from_numpy(np.flatnonzero(columns))
    narrow = StackExamples(lifts=examples.lifts[:, :, used].contiguous(), log_weights=examples.log_weights)
    parts = {int(gap): narrow.only(gaps == gap) for gap in np.unique(gaps)}
    width, path = len(used), []
    begin = _as_shifts(anchors[-1][:, columns])
    for pull, anchor in reversed(list(zip(pulls, anchors, strict=True))):
        begin = minimise(lambda one: _loss(parts, one, width), _as_shifts(anchor[:, columns]), pull, begin)
        weights = np.zeros_like(anchor)
        weights[:, columns] = _as_weights(begin, width)
        path.append(weights)
    return path[::-1]


def _as_shifts(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """[1 + K, P] weights to w, then every d_k, as one row."""
    return np.concatenate([weights[:1], weights[1:] - weights[0]]).reshape(-1)


def _as_weights(shifts: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The inverse."""
    rows = shifts.reshape(-1, width)
    return np.concatenate([rows[:1], rows[0] + rows[1:]])


def _loss(parts: dict[int, StackExamples], shifts: torch.Tensor, width: int) -> Fit:
    """The mean cross-entropy of all parts, each under the weights at its gap."""
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
