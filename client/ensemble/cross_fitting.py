"""Cross-fitting: statistics from the other folds of users, calibration and stack examples from this fold.

Examples are users' last training events: random positions are easier than the test and mislead the fit. A trained
scorer is calibrated and weighted only on users whose events it has not seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.held_out import EARLIER, Stage
from client.data.platform import Examples, Platform, Question, countable_events, earlier_examples, examples
from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble, RawEnsemble, Seen, calibrate
from client.ensemble.ensemble_settings import (
    DEFAULT,
    CrossFitSettings,
    EnsembleSettings,
    StackSettings,
)
from client.ensemble.gaps import since_last
from client.ensemble.stack import StackExamples, concatenate, sample_examples
from client.features.hashing import gram_cosines, local_grams
from client.features.prepared_platform import PreparedPlatform
from client.scorers.cooccurrence import Matrix
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import FitData, Scorer
from client.scorers.table import SCORERS, FittedScorers, ScorerTable, fit_scorers
from shared.errors import DataError
from shared.seeding import rng_for, torch_generator_for
from shared.system.progress import track

Held = tuple[RawEnsemble, Examples]
"""An ensemble and examples that its statistics have not seen."""

Counted = dict[bytes, dict[str, Matrix]]
"""Statistics by whose events they are of, and how many of each: a fit that is handed those of another one of the same
platform, under the same settings of scorers, counts what is new to it alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """Scorers that were trained outside the folds."""

    scorers: tuple[Scorer, ...]
    unseen: NDArray[np.int64]
    """rows of the users whose events they have not seen"""
    kept: KeptEncoder | None = None
    """the encoder behind them, for what looks into it"""

    @property
    def columns(self) -> set[str]:
        """Their names."""
        return {column.name for scorer in self.scorers for column in scorer.columns}


@dataclass(frozen=True, eq=False, kw_only=True)
class Fold:
    """Some of the training users, and all scorers with statistics from the others."""

    users: NDArray[np.int64]
    """rows, sorted"""
    raw: RawEnsemble


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """N stack examples, and whose they are."""

    examples: StackExamples
    users: NDArray[np.int64]
    """[N] rows"""
    gaps: NDArray[np.float64]
    """[N] seconds since the user's last event; NaN where that is not known"""

    @classmethod
    def joined(cls, parts: Sequence["Drawn"]) -> "Drawn":
        """All of them, one part after the other."""
        return cls(
            examples=concatenate([part.examples for part in parts]),
            users=np.concatenate([part.users for part in parts]),
            gaps=np.concatenate([part.gaps for part in parts]),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossFit:
    """Calibrations of R columns, and stack examples through them."""

    folds: tuple[Fold, ...]
    """every training user is in one, or those alone whose examples are looked at, where all users train"""

    calibrations: tuple[Calibration, ...]
    """[R]"""
    last: Drawn
    """of each user the last training event or basket"""
    earlier: Drawn | None
    """of the same users up to two before it, as far as there is room; None where there is none, and for questions other
    than the next basket"""


def fit_data(
    prepared: PreparedPlatform, users: NDArray[np.int64], stage: Stage = Stage.TRAIN, counted: Counted | None = None
) -> FitData:
    """What scorers are fitted on when only these users' events are allowed, and a stage is predicted.

    Args:
        prepared: the platform.
        users: [U] rows of the users.
        stage: that is predicted: events that may be counted by then are.
        counted: statistics of other fits of the same platform; what is counted of the same events is shared with them.
            None shares nothing.

    Returns:
        What scorers are fitted on.
    """
    ends = prepared.platform.held_out.countable(stage)[users]
    return FitData(
        statistics={} if counted is None else counted.setdefault(users.tobytes() + ends.tobytes(), {}),
        sequences=countable_events(prepared.platform, users, stage),
        features=prepared.features,
        neighbours=prepared.catalogue.neighbours,
        ordered=prepared.platform.ordered,
        grams=local_grams(prepared.platform.texts),
        gram_cosines=gram_cosines(prepared.platform.texts),
        log=prepared.log,
        shown=prepared.shown,
        repeats=prepared.platform.repeats,
        within=prepared.platform.held_out.within,
        published=prepared.platform.published,
    )


def fit_on(
    prepared: PreparedPlatform,
    users: NDArray[np.int64],
    scorers: ScorerTable = SCORERS,
    stage: Stage = Stage.TRAIN,
    counted: Counted | None = None,
) -> FittedScorers:
    """The computed scorers with statistics from these users' events, where a stage is predicted.

    Args:
        prepared: the platform.
        users: [U] rows of the users.
        scorers: the computed ones, and their rules.
        stage: that is predicted: events that may be counted by then are.
        counted: statistics of other fits of the same platform, which what these scorers count joins; None shares
            nothing.

    Returns:
        The scorers that the platform can have, and why it lacks the others.

    Raises:
        ConfigError: if two scorers have a column of one name.
    """
    return fit_scorers(fit_data(prepared, users, stage, counted), scorers)


def cross_fit(
    prepared: PreparedPlatform,
    trained: Mapping[str, Trained],
    *,
    seed: int,
    scorers: ScorerTable = SCORERS,
    settings: EnsembleSettings = DEFAULT,
    question: Question = examples,
    counted: Counted | None = None,
) -> CrossFit:
    """Calibrate every column over all folds, then draw the stack's examples, which ask the ``question``.

    Columns are those of the computed scorers, then those of the trained ones in their order.

    Args:
        prepared: the platform.
        trained: parts of scorers trained outside the folds, by name.
        seed: of folds, examples and negatives.
        scorers: the computed ones, and their rules.
        settings: of folds, calibrations and examples.
        question: what an example asks.
        counted: statistics of other fits of the same platform, which what this one counts joins; None shares nothing.

    Returns:
        The folds, the calibrations [R], and the stack's examples.

    Raises:
        DataError: if no training user has an example.
        ConfigError: if two scorers have a column of one name.
    """
    platform, sizes = prepared.platform, settings.cross_fit
    _require_examples(platform, question)
    chosen = rng_for(seed, "stack-examples").permutation(platform.training_users)[: sizes.examples]
    parts = _parts(platform, chosen, sizes, seed)
    folds = _make_folds(prepared, trained, parts, settings=settings, table=scorers, counted=counted)
    calibrating = np.union1d(chosen[: sizes.calibrating], np.intersect1d(chosen, platform.calibration_users))
    held, few = ([_held(platform, fold, users, question) for fold in folds] for users in (chosen, calibrating))
    seen = _Seen(held)
    unseen = _unseen_by_column(folds[0], platform, trained)
    calibrations = calibrate(folds[0].raw.columns, seen if seen.is_kept else _Seen(few), unseen, settings.calibration)
    n_computed = len(unseen) - sum(len(scorer.columns) for part in trained.values() for scorer in part.scorers)
    draw = partial(_draw, calibrations=calibrations, guide=n_computed, settings=settings.stack)
    last = draw(seen, generator=torch_generator_for(seed, "stack-negatives"))
    room = (sizes.examples - len(last.users)) // EARLIER if question is examples else 0
    before = [(fold.raw, earlier_examples(platform, np.intersect1d(fold.users, chosen[:room]))) for fold in folds]
    there = any(len(drawn) for _, drawn in before)
    earlier = draw(_Seen(before), generator=torch_generator_for(seed, "earlier-negatives")) if there else None
    return CrossFit(folds=folds, calibrations=calibrations, last=last, earlier=earlier)


class _Seen:
    """Examples as the ensemble of their fold sees them; views of shortlists are kept, so that each is made once."""

    def __init__(self, held: Sequence[Held]) -> None:
        self.held = held
        self.is_kept = not held[0][0].is_whole
        self._views: list[Seen] | None = None

    def __iter__(self) -> Iterator[Seen]:
        if not self.is_kept:
            return self._made()
        if self._views is None:
            self._views = list(self._made())
        return iter(self._views)

    def _made(self) -> Iterator[Seen]:
        for raw, held_out in track(self.held, "looking at examples"):
            yield from raw.views(held_out)


def _draw(
    seen: _Seen,
    *,
    calibrations: tuple[Calibration, ...],
    generator: torch.Generator,
    guide: int,
    settings: StackSettings,
) -> Drawn:
    """Of every example a stack example, seen through the ensemble of its fold."""
    parts = []
    ensemble = Ensemble(raw=seen.held[0][0], calibrations=calibrations)
    for part, view in seen:
        targets = view.shortlist.places(part.next_items)
        log_ratios = ensemble.log_ratios(view)
        parts.append(sample_examples(log_ratios, view.shortlist, targets, generator, guide=guide, settings=settings))
    return Drawn(
        examples=concatenate(parts),
        users=np.concatenate([held_out.users for _, held_out in seen.held]),
        gaps=np.concatenate([since_last(held_out.histories) for _, held_out in seen.held]),
    )


def sampled(ensemble: Ensemble, held_out: Examples, seed: int) -> Drawn:
    """Stack examples of an ensemble whose statistics have not seen what is predicted.

    Args:
        ensemble: with its calibrations.
        held_out: N examples.
        seed: of negatives.

    Returns:
        N stack examples.
    """
    return _draw(
        _Seen([(ensemble.raw, held_out)]),
        calibrations=ensemble.calibrations,
        generator=torch_generator_for(seed, "newer-negatives"),
        guide=len(ensemble.names),
        settings=ensemble.raw.settings.stack,
    )


def _require_examples(platform: Platform, question: Question) -> None:
    if len(question(platform, Stage.TRAIN, platform.training_users)) == 0:
        raise DataError(
            f"{platform.name}: none of the {len(platform.training_users)} training users has four events, from which "
            "weights could be learned"
        )


def _held(platform: Platform, fold: Fold, users: NDArray[np.int64], question: Question) -> Held:
    """The fold's ensemble with the last training events of those of its users who are among ``users``."""
    return fold.raw, question(platform, Stage.TRAIN, np.intersect1d(fold.users, users))


def _parts(
    platform: Platform, chosen: NDArray[np.int64], sizes: CrossFitSettings, seed: int
) -> list[NDArray[np.int64]]:
    """Sorted rows of the users of each fold: of all training users, or of the ``chosen`` alone.

    Where all users train, and those whose examples are looked at are fewer than a fold would hold, one fold of them
    leaves more users to its statistics than each of several would, and is fitted once.
    """
    training = platform.training_users
    if len(chosen) * sizes.folds <= len(training) == platform.n_users:
        return [np.sort(chosen)]
    shuffled = rng_for(seed, "folds").permutation(training)
    return [np.sort(shuffled[part :: sizes.folds]) for part in range(sizes.folds)]


def _make_folds(
    prepared: PreparedPlatform,
    trained: Mapping[str, Trained],
    parts: Sequence[NDArray[np.int64]],
    *,
    settings: EnsembleSettings,
    table: ScorerTable,
    counted: Counted | None,
) -> tuple[Fold, ...]:
    """A fold for each of ``parts`` of the training users, with scorers fitted without its users."""
    platform = prepared.platform
    training = platform.training_users
    extra = tuple(scorer for part in trained.values() for scorer in part.scorers)
    folds = []
    for inside in track(parts, "fitting scorers"):
        fitted = fit_on(prepared, np.setdiff1d(training, inside), table, counted=counted)
        scorers = (*fitted.scorers.values(), *extra)
        raw = RawEnsemble(scorers=scorers, n_items=platform.n_items, repeats=platform.repeats, settings=settings)
        folds.append(Fold(users=inside, raw=raw))
    return tuple(folds)


def _unseen_by_column(fold: Fold, platform: Platform, trained: Mapping[str, Trained]) -> list[NDArray[np.int64]]:
    """[R] the users on whose examples each column may be calibrated."""
    tail = [part.unseen for part in trained.values() for scorer in part.scorers for _ in scorer.columns]
    return [platform.training_users] * (len(fold.raw.columns) - len(tail)) + tail
