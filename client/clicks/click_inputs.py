"""What a click head may look at: every shown candidate through the platform's scorers, encoders and counts.

A training impression is seen through statistics of other users only (cross-fitted, as the stack's examples are), so
that its own click stands in none of them; validation and test impressions through those of all training users, and
those of users whom preparation left out, too. Nothing later than the first validation impression is in any of them.
Beside them stands what was clicked and shown of it before the impression, whenever that is (``as_of_counts.py``), and
how near it is to the history by vectors that the platform gave (``given_vectors.py``).

I impressions, C candidates in all, m shown items, R columns of the ensemble, K of counts, A of the other two, d width
of an encoder.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.clicks.as_of_counts import AsOfSettings, as_of_counts
from client.clicks.given_vectors import given_cosines
from client.data.held_out import Stage
from client.data.impressions import STAGES, Impressions
from client.data.platform import Platform
from client.data.ragged import stretches
from client.data.sequences import Sequences, select
from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.ensemble.ensemble_settings import DEFAULT, CrossFitSettings
from client.features.hashing import local_grams
from client.features.prepared_platform import Catalogue
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import FitData, Scorer
from client.scorers.table import SCORERS, ScorerTable, fit_scorers
from client.training.sequence_scores import history_states, item_table
from shared.seeding import rng_for

POPULARITY = "met"
"""log(1 + users who met the item)."""
CONTEXT = ("history", "candidates")
"""log(1 + length of the history); log of the impression's size."""
COUNTS = (POPULARITY, *CONTEXT)
STAND_FOR_CATALOGUE = 2_000
"""Random items that a log-likelihood ratio is calibrated against beside the impression's own; the whole catalogue where
it is no larger (docs/decisions/0007)."""
AS_OF = AsOfSettings()
_BATCH_ELEMENTS = 16_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class EncoderStates:
    """One encoder's u of every impression's history and e of every shown item."""

    histories: torch.Tensor
    """[I, d]"""
    items: torch.Tensor
    """[m, d]"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClickInputs:
    """What is known of each candidate, its label beside it."""

    offsets: NDArray[np.int64]
    """[I + 1]"""
    items: torch.Tensor
    """[C] rows of shown items"""
    labels: torch.Tensor
    """[C] 1 where clicked"""
    names: tuple[str, ...]
    """[R + K + A] the ensemble's columns, ``COUNTS``, those of ``as_of_counts``, ``COSINES`` where vectors are given"""
    values: torch.Tensor
    """[C, R + K + A]"""
    encoders: Mapping[str, EncoderStates]
    """by name"""

    def candidates(self, impressions: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """[c] rows of the candidates of some impressions, and [c] whose each is: 0 for the first impression given."""
        owners = np.repeat(np.arange(len(impressions)), np.diff(self.offsets)[impressions])
        return torch.from_numpy(candidate_rows(self.offsets, impressions)), torch.from_numpy(owners)

    def clicked(self, impressions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[c] True for the clicked candidates of some impressions."""
        return np.asarray(self.labels.numpy()[candidate_rows(self.offsets, impressions)] > 0)


def candidate_rows(offsets: NDArray[np.int64], impressions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the candidates of some impressions.

    Args:
        offsets: [I + 1]; impression i has ``offsets[i]:offsets[i + 1]``.
        impressions: rows of the impressions.

    Returns:
        [c], impression after impression.
    """
    return stretches(offsets[impressions], np.diff(offsets)[impressions])


def click_inputs(
    platform: Platform,
    impressions: Impressions,
    catalogue: Catalogue,
    encoders: Mapping[str, KeptEncoder],
    calibrations: Mapping[str, Calibration],
    *,
    seed: int,
    scorers: ScorerTable = SCORERS,
    settings: CrossFitSettings = DEFAULT.cross_fit,
    counted: AsOfSettings = AS_OF,
) -> ClickInputs:
    """Everything that click heads of a platform look at.

    Args:
        platform: as prepared.
        impressions: of its users.
        catalogue: features and neighbours of the shown items, not of the platform's catalogue.
        encoders: by the prefix of their columns; a head's rows are those of the platform's catalogue.
        calibrations: by column, as the platform's ensemble has them; a scorer without any is left out, so that none
            at all leaves the counts alone.
        seed: of the folds.
        scorers: the computed ones.
        settings: how many folds.
        counted: how clicked and shown items are counted as of an impression.
    """
    moved = {name: encoder.on_rows(impressions.shown.known) for name, encoder in encoders.items()}
    extra = tuple(
        scorer
        for name, encoder in moved.items()
        for scorer in encoder.scorers(name, catalogue.features, catalogue.device)
    )
    others = rng_for(seed, "click-catalogue").permutation(len(catalogue.features))[:STAND_FOR_CATALOGUE]
    others = np.sort(others)
    seen = _SeenThrough(impressions, catalogue, scorers, extra, calibrations, others, repeats=platform.repeats)
    names: tuple[str, ...] = ()
    values = torch.empty(0)
    for rows, users in _turns(impressions, platform.training_users, settings.folds, seed):
        names, part = seen(rows, users)
        if not len(values):
            values = torch.zeros(len(impressions.labels), len(names))
        values[torch.from_numpy(candidate_rows(impressions.candidates.offsets, rows))] = part
    as_of = as_of_counts(impressions, counted)
    near, cosines = given_cosines(impressions)
    return ClickInputs(
        offsets=impressions.candidates.offsets,
        items=torch.from_numpy(impressions.candidates.items.astype(np.int64)),
        labels=torch.from_numpy(impressions.labels.astype(np.float32)),
        names=(*names, *as_of.names, *near),
        values=torch.cat([values, torch.from_numpy(as_of.values), torch.from_numpy(cosines)], dim=1),
        encoders={name: _states(encoder, impressions, catalogue) for name, encoder in moved.items()},
    )


def _turns(
    impressions: Impressions, training: NDArray[np.int64], folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of impressions, and the users whose statistics they are seen through."""
    is_training = impressions.stages == STAGES.index(Stage.TRAIN)
    shuffled = rng_for(seed, "click-folds").permutation(training)
    for fold in range(folds):
        inside = shuffled[fold::folds]
        rows = np.flatnonzero(is_training & np.isin(impressions.users, inside))
        if len(rows):
            yield rows, np.setdiff1d(training, inside)
    yield np.flatnonzero(~(is_training & np.isin(impressions.users, training))), training


class _SeenThrough:
    """Candidates of some impressions through statistics of some users."""

    def __init__(
        self,
        impressions: Impressions,
        catalogue: Catalogue,
        computed: ScorerTable,
        extra: tuple[Scorer, ...],
        calibrations: Mapping[str, Calibration],
        others: NDArray[np.int64],
        *,
        repeats: bool,
    ) -> None:
        self._all, self._catalogue, self._computed, self._extra = impressions, catalogue, computed, extra
        self._calibrations, self._others, self._repeats = calibrations, others, repeats

    def __call__(self, rows: NDArray[np.int64], users: NDArray[np.int64]) -> tuple[tuple[str, ...], torch.Tensor]:
        """(names, values [c, R + K]) of the candidates of the impressions in ``rows``."""
        part = self._all.only(rows)
        counts = torch.from_numpy(_counts(self._all, part, users))
        if not self._calibrations:
            return COUNTS, counts
        ensemble = self._ensemble(users)
        return (*ensemble.names, *COUNTS), torch.cat(
            [candidate_log_ratios(ensemble, part, self._others), counts], dim=1
        )

    def _ensemble(self, users: NDArray[np.int64]) -> Ensemble:
        data = FitData(
            sequences=select(self._all.met, users),
            features=self._catalogue.features,
            neighbours=self._catalogue.neighbours,
            ordered=True,
            grams=local_grams(self._all.shown.texts),
        )
        scorers = (*fit_scorers(data, self._computed).scorers.values(), *self._extra)
        known = tuple(
            scorer for scorer in scorers if all(column.name in self._calibrations for column in scorer.columns)
        )
        raw = RawEnsemble(scorers=known, n_items=data.n_items, repeats=self._repeats)
        return Ensemble(raw=raw, calibrations=tuple(self._calibrations[column.name] for column in raw.columns))


def candidate_log_ratios(ensemble: Ensemble, part: Impressions, others: NDArray[np.int64]) -> torch.Tensor:
    """Calibrated log-likelihood ratios of the candidates over each other and ``others``.

    Args:
        ensemble: of R columns over the shown items.
        part: the impressions.
        others: rows of the items that stand for the catalogue.

    Returns:
        [c, R] in nats; 0 for a candidate that the history holds, where the platform has no repeats.
    """
    size = max(1, _BATCH_ELEMENTS // (ensemble.raw.n_items * len(ensemble.names)))
    batches = []
    for start in range(0, len(part), size):
        rows = np.arange(start, min(start + size, len(part)))
        histories, shown = select(part.histories, rows), select(part.candidates, rows)
        looked, allowed, is_shown = _looked_at(shown, torch.from_numpy(others), ensemble.raw.candidates(histories))
        scores = [column.gather(1, looked) for column in ensemble.raw.scores(histories)]
        log_ratios = [
            calibration.log_ratio(column, allowed)
            for calibration, column in zip(ensemble.calibrations, scores, strict=True)
        ]
        batches.append(torch.stack([column[is_shown] for column in log_ratios], dim=1))
    return torch.cat(batches)


def _looked_at(
    shown: Sequences, others: torch.Tensor, candidates: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """[B, L] items: each impression's own, then ``others``; which of them count; which are its own.

    ``candidates`` [B, n] is False for items that may not be recommended. No item counts twice.
    """
    sizes = shown.lengths()
    width = int(sizes.max())
    owners = np.repeat(np.arange(len(sizes)), sizes)
    own_items = torch.zeros(len(sizes), width, dtype=torch.int64)
    place = torch.from_numpy(stretches(np.zeros_like(sizes), sizes))
    own_items[torch.from_numpy(owners), place] = torch.from_numpy(shown.items.astype(np.int64))
    is_own = torch.from_numpy(np.arange(width) < sizes[:, None])
    elsewhere = candidates.clone()
    elsewhere[torch.from_numpy(owners), torch.from_numpy(shown.items.astype(np.int64))] = False
    looked = torch.cat([own_items, others.expand(len(sizes), -1)], dim=1)
    allowed = torch.cat([candidates.gather(1, own_items) & is_own, elsewhere[:, others]], dim=1)
    return looked, allowed, functional.pad(is_own, (0, len(others)))


def _counts(impressions: Impressions, part: Impressions, users: NDArray[np.int64]) -> NDArray[np.float32]:
    """[c, K] ``COUNTS`` of the candidates of ``part``, from what these users met."""
    met = np.bincount(select(impressions.met, users).items, minlength=len(impressions.shown.known))
    sizes = part.candidates.lengths()
    context = np.stack([np.log1p(part.histories.lengths()), np.log(sizes)], axis=1)
    popularity = np.log1p(met)[part.candidates.items, None]
    return np.concatenate([popularity, np.repeat(context, sizes, axis=0)], axis=1).astype(np.float32)


def _states(encoder: KeptEncoder, impressions: Impressions, catalogue: Catalogue) -> EncoderStates:
    model = encoder.model(catalogue.features)
    table = item_table(model)
    return EncoderStates(histories=history_states(model, table, impressions.histories), items=table.vectors)
