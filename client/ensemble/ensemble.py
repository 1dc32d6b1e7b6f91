"""An ensemble: fitted scorers whose columns give calibrated log-likelihood ratios for a batch of histories.

They are calibrated on held-out examples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples
from client.data.sequences import Sequences, in_basket
from client.ensemble.calibration import Calibration, fit_mixture, spread_scale, target_probabilities
from client.ensemble.ensemble_settings import DEFAULT, CalibrationSettings
from client.ensemble.gaps import Gaps
from client.evaluation.ranking import example_batches
from client.scorers.scorer import Column, HistoryBatch, Kind, Scorer
from shared.system.progress import track

WEIGHTS_AT_ONCE = 16


def without_nan(scores: torch.Tensor) -> torch.Tensor:
    """Scores [B, n] in which a NaN, of which no probability can be made, is the lowest of its row; 0 where all are."""
    if not scores.sum().isnan():  # a fraction of the time of looking at each; inf - inf is taken for one, too
        return scores
    lowest = scores.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf).amin(1, keepdim=True)
    return torch.where(scores.isnan(), lowest.nan_to_num(posinf=0.0, neginf=-torch.inf), scores)


@dataclass(frozen=True, kw_only=True)
class RawEnsemble:
    """Scorers in a fixed order; R columns over a catalogue of n items."""

    scorers: tuple[Scorer, ...]
    n_items: int
    repeats: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """[R]."""
        return tuple(column for scorer in self.scorers for column in scorer.columns)

    def scores(self, histories: Sequences) -> list[torch.Tensor]:
        """Raw scores of all columns.

        Args:
            histories: B histories, rows of the catalogue, oldest first.

        Returns:
            R tensors [B, n] without NaN.
        """
        batch = HistoryBatch(histories, self.n_items)
        return [without_nan(scores) for scorer in self.scorers for scores in scorer.score(batch)]

    def candidates(self, histories: Sequences) -> torch.Tensor:
        """[B, n] True where an item may be recommended: not those of the basket that is to be completed."""
        allowed = torch.ones(len(histories), self.n_items, dtype=torch.bool)
        out = in_basket(histories) if self.repeats else histories
        allowed[torch.from_numpy(out.owners()), torch.from_numpy(out.items.astype(np.int64))] = False
        return allowed

    def only_column(self, histories: Sequences) -> torch.Tensor:
        """Scores of an ensemble of one column.

        Args:
            histories: B histories, rows of the catalogue, oldest first.

        Returns:
            [B, n], −inf where an item may not be recommended.
        """
        (scores,) = self.scores(histories)
        return scores.masked_fill(~self.candidates(histories), -torch.inf)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """A raw ensemble with one calibration per column."""

    raw: RawEnsemble
    calibrations: tuple[Calibration, ...]
    gaps: Gaps = field(default_factory=Gaps)
    """of histories, by which weights may shift"""

    @property
    def names(self) -> tuple[str, ...]:
        """[R] column names."""
        return tuple(column.name for column in self.raw.columns)

    def used(self, weights: NDArray[np.float64]) -> tuple["Ensemble", NDArray[np.float64]]:
        """The ensemble of those scorers alone that have a column of weight, and its weights.

        Args:
            weights: [R] or [G, R].

        Returns:
            The ensemble of r columns, and weights [r] or [G, r].
        """
        widths = [len(scorer.columns) for scorer in self.raw.scorers]
        ends = np.cumsum(widths)
        parts = [range(end - width, end) for end, width in zip(ends, widths, strict=True)]
        rows = [row for row, part in enumerate(parts) if weights[..., part].any()]
        columns = [column for row in rows for column in parts[row]]
        raw = replace(self.raw, scorers=tuple(self.raw.scorers[row] for row in rows))
        calibrations = tuple(self.calibrations[column] for column in columns)
        return replace(self, raw=raw, calibrations=calibrations), weights[..., columns]

    def log_ratios(self, histories: Sequences, candidates: torch.Tensor) -> torch.Tensor:
        """Calibrated log-likelihood ratios of all columns.

        Args:
            histories: B histories, rows of the catalogue, oldest first.
            candidates: [B, n] False for items out of the ranking.

        Returns:
            [R, B, n] in nats; 0 for items out of the ranking.
        """
        scores = self.raw.scores(histories)
        log_ratios = torch.empty(len(scores), len(histories), self.raw.n_items)
        for row, (calibration, column) in enumerate(zip(self.calibrations, scores, strict=True)):
            log_ratios[row] = calibration.log_ratio(column, candidates)
        return log_ratios

    def combined(
        self, weights: NDArray[np.float64], histories: Sequences, candidates: torch.Tensor
    ) -> Iterator[torch.Tensor]:
        """Scores Σ_r w_r z_r under several weight vectors.

        Args:
            weights: [C, R]; where they depend on the history's gap [C, 1 + K, R], the first where it is not known.
            histories: B histories, rows of the catalogue, oldest first.
            candidates: [B, n] False where an item may not be recommended.

        Returns:
            Blocks [c, B, n] of at most ``WEIGHTS_AT_ONCE`` weight vectors, so that memory does not grow with C; −inf
            where an item may not be recommended.
        """
        log_ratios = self.log_ratios(histories, candidates)
        by_gap = torch.from_numpy(weights.reshape(len(weights), -1, len(log_ratios)).astype(np.float32))
        gaps = self.gaps.of(histories) if by_gap.shape[1] > 1 else np.zeros(len(histories), np.int64)
        for start in range(0, len(weights), WEIGHTS_AT_ONCE):
            block = by_gap[start : start + WEIGHTS_AT_ONCE]
            yield _weighed(block, gaps, log_ratios).masked_fill_(~candidates, -torch.inf)

    def served(self, weights: NDArray[np.float64], histories: Sequences) -> torch.Tensor:
        """Scores under one weight vector.

        Args:
            weights: [R], or [1 + K, R] where they depend on the history's gap.
            histories: B histories, rows of the catalogue, oldest first.

        Returns:
            [B, n], −inf where an item may not be recommended.
        """
        (block,) = self.combined(weights[None], histories, self.raw.candidates(histories))
        return block[0]


def _weighed(weights: torch.Tensor, gaps: NDArray[np.int64], log_ratios: torch.Tensor) -> torch.Tensor:
    """[c, B, n] from weights [c, G, R], of each history the row of weights [B], and log-ratios [R, B, n]."""
    there = np.unique(gaps)
    if len(there) == 1:
        return (weights[:, there[0]] @ log_ratios.reshape(len(log_ratios), -1)).reshape(
            len(weights), *log_ratios.shape[1:]
        )
    scores = torch.empty(len(weights), *log_ratios.shape[1:])
    for gap in there:
        rows = torch.from_numpy(np.flatnonzero(gaps == gap))
        gap_log_ratios = log_ratios[:, rows]
        scores[:, rows] = (weights[:, gap] @ gap_log_ratios.reshape(len(log_ratios), -1)).reshape(
            len(weights), *gap_log_ratios.shape[1:]
        )
    return scores


Held = tuple[RawEnsemble, Examples]
"""An ensemble and examples that its statistics have not seen."""


def calibrate(
    folds: Sequence[Held],
    unseen: Sequence[NDArray[np.int64]],
    settings: CalibrationSettings = DEFAULT.calibration,
) -> tuple[Calibration, ...]:
    """One calibration per column, over all folds.

    Args:
        folds: ensembles of the same columns, each with its examples.
        unseen: [R] the users on whose examples each column may be calibrated.
        settings: of the mixtures.
    """
    columns = folds[0][0].columns
    scales: list[float] = []
    probabilities: list[list[NDArray[np.float64]]] = [[] for _ in columns]
    for raw, examples in track(folds, "calibrating"):
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
