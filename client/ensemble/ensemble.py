"""An ensemble: fitted scorers whose columns give calibrated log-likelihood ratios for a batch of histories.

They are calibrated on held-out examples.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples
from client.data.sequences import Sequences, in_basket
from client.ensemble.calibration import Calibration, fit_mixture, out_of_ranking, spread_scale, target_probabilities
from client.ensemble.ensemble_settings import DEFAULT, CalibrationSettings, EnsembleSettings
from client.ensemble.gaps import Gaps
from client.ensemble.shortlist import Shortlist, shortlist_of
from client.evaluation.ranking import example_batches
from client.scorers.encoder_scorers import Named
from client.scorers.lookups import DenseLookup, Hidden, Lookup, ProductLookup, without_nan
from client.scorers.scorer import Column, HistoryBatch, Kind, LooksUp, QueryScorer, Scorer
from shared.seeding import rng_for

WEIGHTS_AT_ONCE = 16
_HISTORIES_AT_ONCE, _ELEMENTS_AT_ONCE = 128, 8_000_000
"""most histories of a batch that is looked at by a shortlist, and numbers of one dense column of it"""


@dataclass(frozen=True, eq=False, kw_only=True)
class RawView:
    """Raw scores of R columns at what stands for the catalogue, for B histories."""

    shortlist: Shortlist
    scores: list[torch.Tensor]
    """[R] of [B, M], without NaN"""
    masses: list[torch.Tensor | None]
    """[R] of [B, components]; None where the scores tell them"""


@dataclass(frozen=True, kw_only=True)
class RawEnsemble:
    """Scorers in a fixed order; R columns over a catalogue of n items."""

    scorers: tuple[Scorer, ...]
    n_items: int
    repeats: bool
    settings: EnsembleSettings = DEFAULT
    """which items stand for the catalogue, and of which powers of counts the sums are told"""

    @property
    def is_whole(self) -> bool:
        """Whether every item is scored; else a shortlist, and a sample of the rest."""
        return self.n_items <= self.settings.shortlist.whole_up_to

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

    def view(self, histories: Sequences, wanted: Sequences) -> RawView:
        """What the columns say of the items that stand for the catalogue.

        Args:
            histories: B histories, rows of the catalogue, oldest first.
            wanted: B lists of items that are looked at though no column offers them.

        Returns:
            Raw scores without NaN.
        """
        if self.is_whole:
            return self.whole_view(histories)
        hidden = Hidden(in_basket(histories) if self.repeats else histories, self.n_items)
        lookups = self._lookups(HistoryBatch(histories, self.n_items), hidden)
        shortlist, looked = shortlist_of(lookups, hidden, wanted, self._sample, self.settings.shortlist.offers)
        powers = self.settings.calibration.of(Kind.COUNT)
        masses = [
            lookup.masses(powers) if column.kind is Kind.COUNT else None
            for column, lookup in zip(self.columns, lookups, strict=True)
        ]
        scores = [without_nan(lookup.at(looked)) for lookup in lookups]
        return RawView(shortlist=shortlist, scores=scores, masses=masses)

    def whole_view(self, histories: Sequences) -> RawView:
        """The same of every item; histories [B] as ``view`` takes them."""
        scores = self.scores(histories)
        shortlist = Shortlist.whole(self.candidates(histories))
        return RawView(shortlist=shortlist, scores=scores, masses=[None] * len(scores))

    def views(self, held_out: Examples, columns: int | None = None) -> Iterator[tuple[Examples, RawView]]:
        """The examples in batches whose views stay within bounded memory, with what is relevant among what is seen.

        Args:
            held_out: N examples.
            columns: score matrices that are held at once; None: one for each column.

        Yields:
            The examples of a batch, and their view.
        """
        width = len(self.columns) if columns is None else columns
        at_once = None if self.is_whole else max(1, min(_HISTORIES_AT_ONCE, _ELEMENTS_AT_ONCE // self.n_items))
        for part, _ in example_batches(held_out, self.n_items, width, at_once):
            yield part, self.view(part.histories, part.relevant)

    @cached_property
    def _sample(self) -> NDArray[np.int64]:
        """[S] items, the same for all histories."""
        return np.sort(rng_for(0, "shortlist", "sample").permutation(self.n_items)[: self.settings.shortlist.sample])

    def _lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """[R] of the columns."""
        lookups: list[Lookup] = []
        for scorer in (scorer.scorer if isinstance(scorer, Named) else scorer for scorer in self.scorers):
            if isinstance(scorer, QueryScorer):
                products = ProductLookup(np.stack(scorer.queries(batch), axis=1), scorer.vectors, hidden)
                lookups += [products.column(k, searched=scorer.searched) for k in range(scorer.products)]
            if isinstance(scorer, LooksUp):
                lookups += scorer.lookups(batch, hidden)
            else:
                lookups += [DenseLookup(without_nan(scores), hidden) for scores in scorer.score(batch)]
        return lookups

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

    def log_ratios(self, view: RawView) -> torch.Tensor:
        """Calibrated log-likelihood ratios of all columns.

        Args:
            view: of B histories.

        Returns:
            [R, B, M] in nats; 0 for items out of the ranking.
        """
        weights = view.shortlist.weights
        log_ratios = torch.empty(len(view.scores), *weights.shape)
        for row, calibration in enumerate(self.calibrations):
            calibration.log_ratio(view.scores[row], weights, view.masses[row], log_ratios[row])
        return log_ratios

    def combined(self, weights: NDArray[np.float64], histories: Sequences, view: RawView) -> Iterator[torch.Tensor]:
        """Scores Σ_r w_r z_r under several weight vectors.

        Args:
            weights: [C, R]; where they depend on the history's gap [C, 1 + K, R], the first where it is not known.
            histories: B histories, rows of the catalogue, oldest first.
            view: of the histories.

        Returns:
            Blocks [c, B, M] of at most ``WEIGHTS_AT_ONCE`` weight vectors, so that memory does not grow with C; −inf
            where an item may not be recommended.
        """
        log_ratios = self.log_ratios(view)
        by_gap = torch.from_numpy(weights.reshape(len(weights), -1, len(log_ratios)).astype(np.float32))
        gaps = self.gaps.of(histories) if by_gap.shape[1] > 1 else np.zeros(len(histories), np.int64)
        is_out = out_of_ranking(view.shortlist.weights)
        for start in range(0, len(weights), WEIGHTS_AT_ONCE):
            block = by_gap[start : start + WEIGHTS_AT_ONCE]
            yield _weighed(block, gaps, log_ratios).masked_fill_(is_out, -torch.inf)

    def served(self, weights: NDArray[np.float64], histories: Sequences) -> torch.Tensor:
        """Scores under one weight vector.

        Args:
            weights: [R], or [1 + K, R] where they depend on the history's gap.
            histories: B histories, rows of the catalogue, oldest first.

        Returns:
            [B, n], −inf where an item may not be recommended.
        """
        (block,) = self.combined(weights[None], histories, self.raw.whole_view(histories))
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


Seen = tuple[Examples, RawView]
"""A batch of examples, and how an ensemble sees it whose statistics have not seen them."""


def calibrate(
    columns: Sequence[Column],
    seen: Iterable[Seen],
    unseen: Sequence[NDArray[np.int64]],
    settings: CalibrationSettings = DEFAULT.calibration,
) -> tuple[Calibration, ...]:
    """One calibration per column.

    Args:
        columns: [R] of the ensembles.
        seen: examples as they see them, those of several folds one after the other.
        unseen: [R] the users on whose examples each column may be calibrated.
        settings: of the mixtures.
    """
    scales: list[float] = []
    probabilities: list[list[NDArray[np.float64]]] = [[] for _ in columns]
    for part, view in seen:
        weights = view.shortlist.weights
        targets = view.shortlist.places(part.next_items)
        if not scales:
            scales = [
                spread_scale(s, weights, settings) if c.kind is Kind.SIMILARITY else 1.0
                for c, s in zip(columns, view.scores, strict=True)
            ]
        for index, column in enumerate(columns):
            probability = target_probabilities(
                column.kind, view.scores[index], weights, targets, scales[index], settings, view.masses[index]
            )
            probabilities[index].append(probability[np.isin(part.users, unseen[index])])
    return tuple(
        fit_mixture(column.kind, np.concatenate(parts), scale, settings)
        for column, parts, scale in zip(columns, probabilities, scales, strict=True)
    )
