"""Cross-fitting: statistics from the other folds of users, calibration and stack examples from this fold.

Examples are users' last training events: random positions are easier than the test and mislead the fit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, Stage
from client.data.splits import examples, select, training_sequences
from client.evaluation.ranking import batches
from client.recommender.calibration import Calibration, fit_mixture, spread_scale, target_probabilities
from client.recommender.panel import Panel, RawPanel
from client.recommender.stack import StackExamples, concatenate, sample_examples
from client.scorers.neighbours import Neighbours
from client.scorers.scorer import FitData, Kind, Scorer
from client.scorers.table import FittedScorers, fit_scorers
from shared.seeding import rng_for, torch_generator_for

FOLDS = 4
MAX_EXAMPLES = 3_000


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What scorers need of a platform's catalogue of n items, whatever the users."""

    features: NDArray[np.float32]
    """[n, D]"""
    neighbours: Neighbours


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One fold: examples of its users, and scorers fitted without them."""

    examples: Examples
    raw: RawPanel


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """Calibrations of R columns and stack examples through them."""

    columns: tuple[str, ...]
    calibrations: tuple[Calibration, ...]
    stack_examples: StackExamples


def fit_on(platform: Platform, catalogue: Catalogue, users: NDArray[np.int64]) -> FittedScorers:
    """The computed scorers with statistics from these users' training events."""
    data = FitData(
        sequences=training_sequences(platform, users),
        features=catalogue.features,
        neighbours=catalogue.neighbours,
        ordered=platform.ordered,
    )
    return fit_scorers(data)


def make_folds(
    platform: Platform,
    catalogue: Catalogue,
    users: NDArray[np.int64],
    *,
    trained: tuple[Scorer, ...] = (),
    seed: int,
) -> list[Fold]:
    """Folds over the training users; examples of ``users`` only; ``trained`` scorers stand in every fold as they are.

    ``trained`` scorers must not have seen the training events of ``users``.
    """
    training = platform.training_users
    shuffled = rng_for(seed, "folds").permutation(training)
    chosen = np.intersect1d(users, rng_for(seed, "stack-examples").permutation(users)[:MAX_EXAMPLES])
    folds = []
    for part in range(FOLDS):
        inside = np.sort(shuffled[part::FOLDS])
        here = examples(platform, Stage.TRAIN, np.intersect1d(inside, chosen))
        if len(here) == 0:
            continue
        fitted = fit_on(platform, catalogue, np.setdiff1d(training, inside))
        scorers = (*fitted.scorers.values(), *trained)
        folds.append(
            Fold(examples=here, raw=RawPanel(scorers=scorers, n_items=platform.n_items, repeats=platform.repeats))
        )
    return folds


def cross_fit(folds: list[Fold], *, known: dict[str, Calibration] | None = None, seed: int) -> CrossFit:
    """Calibrate every column over all folds (``known`` ones are kept), then draw the stack's examples."""
    columns = folds[0].raw.columns
    calibrations = _calibrate(folds, known or {})
    generator = torch_generator_for(seed, "stack-negatives")
    parts = []
    for fold in folds:
        panel = Panel(raw=fold.raw, calibrations=calibrations)
        for rows in batches(len(fold.examples), panel.raw.n_items, len(columns)):
            histories = select(fold.examples.histories, rows)
            targets = torch.from_numpy(fold.examples.targets[rows].astype(np.int64))
            lifts = panel.log_lifts(histories)
            parts.append(sample_examples(lifts, panel.raw.candidates(histories), targets, generator))
    return CrossFit(
        columns=tuple(column.name for column in columns),
        calibrations=calibrations,
        stack_examples=concatenate(parts),
    )


def _calibrate(folds: list[Fold], known: dict[str, Calibration]) -> tuple[Calibration, ...]:
    columns = folds[0].raw.columns
    scales: list[float | None] = [None] * len(columns)
    probabilities: list[list[NDArray[np.float64]]] = [[] for _ in columns]
    for fold in folds:
        for rows in batches(len(fold.examples), fold.raw.n_items, len(columns)):
            histories = select(fold.examples.histories, rows)
            targets = torch.from_numpy(fold.examples.targets[rows].astype(np.int64))
            candidates = fold.raw.candidates(histories)
            for index, scores in enumerate(fold.raw.scores(histories)):
                column = columns[index]
                if column.name in known:
                    continue
                if scales[index] is None:
                    scales[index] = spread_scale(scores, candidates) if column.kind is Kind.SIMILARITY else 1.0
                scale = scales[index] or 1.0
                probabilities[index].append(target_probabilities(column.kind, scores, candidates, targets, scale))
    return tuple(
        known[column.name] if column.name in known else fit_mixture(column.kind, np.concatenate(parts), scale or 1.0)
        for column, parts, scale in zip(columns, probabilities, scales, strict=True)
    )
