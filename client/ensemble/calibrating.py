"""Calibrating the columns of raw panels on held-out examples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples
from client.ensemble.calibration import Calibration, fit_mixture, spread_scale, target_probabilities
from client.ensemble.ensemble_settings import DEFAULT, CalibrationSettings
from client.ensemble.panel import RawPanel
from client.evaluation.ranking import example_batches
from client.scorers.scorer import Kind

Held = tuple[RawPanel, Examples]
"""A panel and examples that its statistics have not seen."""


def calibrate(
    folds: Sequence[Held],
    unseen: Sequence[NDArray[np.int64]],
    settings: CalibrationSettings = DEFAULT.calibration,
) -> tuple[Calibration, ...]:
    """One calibration per column, over all folds.

    Args:
        folds: panels of the same columns, each with its examples.
        unseen: [R] the users on whose examples each column may be calibrated.
        settings: of the mixtures.
    """
    columns = folds[0][0].columns
    scales: list[float] = []
    probabilities: list[list[NDArray[np.float64]]] = [[] for _ in columns]
    for raw, examples in folds:
        for part, targets in example_batches(examples, raw.n_items, len(columns)):
            candidates = raw.candidates(part.histories)
            scores = raw.scores(part.histories)
            if not scales:
                scales = [
                    spread_scale(s, candidates, settings) if c.kind is Kind.SIMILARITY else 1.0
                    for c, s in zip(columns, scores, strict=True)
                ]
            for index, column in enumerate(columns):
                score, scale = scores[index], scales[index]
                probability = target_probabilities(column.kind, score, candidates, targets, scale, settings)
                probabilities[index].append(probability[np.isin(part.users, unseen[index])])
    return tuple(
        fit_mixture(column.kind, np.concatenate(parts), scale, settings)
        for column, parts, scale in zip(columns, probabilities, scales, strict=True)
    )
