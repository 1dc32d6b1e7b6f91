"""Cross-fitting: statistics from the other folds of users, calibration and stack examples from this fold.

Examples are users' last training events: random positions are easier than the test and mislead the fit. A trained
scorer is calibrated and weighted only on users whose events it has not seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, Sequences, Stage
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
class Trained:
    """Scorers that were trained outside the folds."""

    scorers: tuple[Scorer, ...]
    unseen: NDArray[np.int64]
    """rows of the users whose events they have not seen"""


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """Calibrations of R columns, and N stack examples through them."""

    calibrations: tuple[Calibration, ...]
    """[R]"""
    stack_examples: StackExamples
    users: NDArray[np.int64]
    """[N] whose example each is"""


@dataclass(frozen=True, kw_only=True)
class _Fold:
    examples: Examples
    raw: RawPanel


def fit_on(platform: Platform, catalogue: Catalogue, users: NDArray[np.int64]) -> FittedScorers:
    """The computed scorers with statistics from these users' training events."""
    data = FitData(
        sequences=training_sequences(platform, users),
        features=catalogue.features,
        neighbours=catalogue.neighbours,
        ordered=platform.ordered,
    )
    return fit_scorers(data)


def cross_fit(platform: Platform, catalogue: Catalogue, trained: Mapping[str, Trained], *, seed: int) -> CrossFit:
    """Calibrate every column over all folds, then draw the stack's examples.

    Columns: those of the computed scorers, then those of ``trained`` in its order.
    """
    folds = _make_folds(platform, catalogue, trained, seed=seed)
    unseen = _unseen_by_column(folds[0], platform, trained)
    calibrations = _calibrate(folds, unseen)
    generator = torch_generator_for(seed, "stack-negatives")
    n_computed = len(unseen) - sum(len(scorer.columns) for part in trained.values() for scorer in part.scorers)
    parts = []
    for fold in folds:
        panel = Panel(raw=fold.raw, calibrations=calibrations)
        for histories, targets, _ in _fold_batches(fold):
            lifts, candidates = panel.log_lifts(histories), panel.raw.candidates(histories)
            parts.append(sample_examples(lifts, candidates, targets, generator, guide=n_computed))
    return CrossFit(
        calibrations=calibrations,
        stack_examples=concatenate(parts),
        users=np.concatenate([fold.examples.users for fold in folds]),
    )


def _make_folds(platform: Platform, catalogue: Catalogue, trained: Mapping[str, Trained], *, seed: int) -> list[_Fold]:
    """Folds over the training users, each with the examples of its users and scorers fitted without them."""
    training = platform.training_users
    shuffled = rng_for(seed, "folds").permutation(training)
    chosen = rng_for(seed, "stack-examples").permutation(training)[:MAX_EXAMPLES]
    extra = tuple(scorer for part in trained.values() for scorer in part.scorers)
    folds = []
    for part in range(FOLDS):
        inside = np.sort(shuffled[part::FOLDS])
        fitted = fit_on(platform, catalogue, np.setdiff1d(training, inside))
        scorers = (*fitted.scorers.values(), *extra)
        raw = RawPanel(scorers=scorers, n_items=platform.n_items, repeats=platform.repeats)
        folds.append(_Fold(examples=examples(platform, Stage.TRAIN, np.intersect1d(inside, chosen)), raw=raw))
    return folds


def _fold_batches(fold: _Fold) -> Iterator[tuple[Sequences, torch.Tensor, NDArray[np.int64]]]:
    """Per batch: histories, targets [B] and user rows [B]."""
    for rows in batches(len(fold.examples), fold.raw.n_items, len(fold.raw.columns)):
        targets = torch.from_numpy(fold.examples.targets[rows].astype(np.int64))
        yield select(fold.examples.histories, rows), targets, fold.examples.users[rows]


def _unseen_by_column(fold: _Fold, platform: Platform, trained: Mapping[str, Trained]) -> list[NDArray[np.int64]]:
    """[R] the users on whose examples each column may be calibrated."""
    tail = [part.unseen for part in trained.values() for scorer in part.scorers for _ in scorer.columns]
    return [platform.training_users] * (len(fold.raw.columns) - len(tail)) + tail


def _calibrate(folds: list[_Fold], unseen: list[NDArray[np.int64]]) -> tuple[Calibration, ...]:
    columns = folds[0].raw.columns
    scales: list[float] = []
    probabilities: list[list[NDArray[np.float64]]] = [[] for _ in columns]
    for fold in folds:
        for histories, targets, users in _fold_batches(fold):
            candidates = fold.raw.candidates(histories)
            scores = fold.raw.scores(histories)
            if not scales:
                pairs = zip(columns, scores, strict=True)
                scales = [spread_scale(s, candidates) if c.kind is Kind.SIMILARITY else 1.0 for c, s in pairs]
            for index, column in enumerate(columns):
                probability = target_probabilities(column.kind, scores[index], candidates, targets, scales[index])
                probabilities[index].append(probability[np.isin(users, unseen[index])])
    return tuple(
        fit_mixture(column.kind, np.concatenate(parts), scale)
        for column, parts, scale in zip(columns, probabilities, scales, strict=True)
    )
