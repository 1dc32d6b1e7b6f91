"""The single-method baselines, each with its written grid, the winner chosen on training users' validation events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples
from client.data.sequences import Sequences
from client.ensemble.cross_fitting import fit_data
from client.evaluation.ranking import Ranking, ndcg_of, rank, ranks_by_column
from client.features.prepared_platform import PreparedPlatform
from client.scorers.content_idf import ContentIdf
from client.scorers.content_knn import ContentKnn
from client.scorers.ease import Ease, EaseSettings
from client.scorers.encoder_scorers import Sequence
from client.scorers.item_knn import ItemKnn, ItemKnnSettings
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, HistoryBatch, Scorer
from client.training.local_id import tune_local_id
from client.training.sequence_scores import ValidationSet
from shared.seeding import rng_for
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class BaselineSettings(Checked):
    """What is tried."""

    shrinks: tuple[float, ...] = bounded((0.1, 0.3, 1.0, 3.0), least=0)
    """of ``item-knn``"""
    regularisations: tuple[float, ...] = bounded((10.0, 30.0, 100.0, 300.0, 1000.0), above=0)
    """λ of ``ease``"""
    validation_users: int = bounded(1_000, least=1)
    """most training users on whom an epoch of ``local-id`` is validated"""


DEFAULT = BaselineSettings()


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A baseline as tuned."""

    scorer: Scorer
    column: int
    """which of the scorer's columns is it"""
    validation: float
    """NDCG@10 on validation events"""
    tuned: Mapping[str, object]
    make: Callable[[FitData], Scorer] | None = None
    """makes the scorer of later counts; None where it is trained, not counted"""


TuneBaseline = Callable[[PreparedPlatform, FitData, BaselineSettings, int], Baseline | None]
"""From a platform, what its training users tell, the grids, and a seed to the best setting; None where it cannot be
had."""


def tuned_baseline(
    tune: TuneBaseline, prepared: PreparedPlatform, *, seed: int, settings: BaselineSettings = DEFAULT
) -> Baseline | None:
    """A baseline's best setting on validation, with all that may be counted by the test.

    Args:
        tune: finds the best setting.
        prepared: the platform.
        seed: of what is trained.
        settings: the grids.

    Returns:
        The baseline; None where it cannot be had.
    """
    users = prepared.platform.training_users
    best = tune(prepared, fit_data(prepared, users, Stage.VALIDATION), settings, seed)
    if best is None or best.make is None or not prepared.platform.held_out.counts_on(users):
        return best
    return replace(best, scorer=best.make(fit_data(prepared, users, Stage.TEST)))


def rank_baseline(baseline: Baseline, platform: Platform, held_out: Examples) -> Ranking:
    """The baseline on held-out examples.

    Args:
        baseline: whose column ranks.
        platform: whose catalogue is ranked; where its users meet no item again, a history's items are left out.
        held_out: whom to rank for.

    Returns:
        The ranking of all examples.
    """

    def score(histories: Sequences) -> torch.Tensor:
        return baseline.scorer.score(HistoryBatch(histories, platform.n_items))[baseline.column]

    return rank(score, held_out, n_items=platform.n_items, repeats=platform.repeats)


def _best(
    platform: Platform, data: FitData, grid: Mapping[str, Callable[[FitData], Scorer]], columns: slice = slice(None)
) -> Baseline:
    """The best column of several scorers; each name says how the scorer was set."""
    held_out = examples(platform, Stage.VALIDATION, platform.training_users)
    tried = []
    for setting, make in grid.items():
        scorer = make(data)
        for column, validation in _ndcg_by_column(scorer, platform, held_out)[columns]:
            tuned = {"setting": setting, "column": scorer.columns[column].name}
            tried.append(Baseline(scorer=scorer, column=column, validation=validation, tuned=tuned, make=make))
    return max(tried, key=lambda baseline: baseline.validation)


def _ndcg_by_column(scorer: Scorer, platform: Platform, held_out: Examples) -> list[tuple[int, float]]:
    """(column, NDCG@10) of every column of a scorer."""

    def score(histories: Sequences) -> list[torch.Tensor]:
        return scorer.score(HistoryBatch(histories, platform.n_items))

    columns, n_items = len(scorer.columns), platform.n_items
    ranks = ranks_by_column(score, held_out, columns, n_items=n_items, repeats=platform.repeats)
    return [(column, float(ndcg)) for column, ndcg in enumerate(ndcg_of(ranks, held_out.sizes).mean(1))]


def tune_popularity(prepared: PreparedPlatform, data: FitData, _settings: BaselineSettings, _seed: int) -> Baseline:
    """Counts of users; there is nothing to choose.

    Args:
        prepared: the platform on whose validation events it is looked at.
        data: what its training users tell.
        _settings: not used.
        _seed: not used.

    Returns:
        The baseline with its NDCG@10.
    """
    return _best(prepared.platform, data, {"item": Popularity}, slice(0, 1))


def tune_content_knn(
    prepared: PreparedPlatform, data: FitData, _settings: BaselineSettings, _seed: int
) -> Baseline | None:
    """The shared space (``zero-shot`` has the same) and the platform's own text space, every column of each.

    Args:
        prepared: the platform on whose validation events columns are compared.
        data: what its training users tell.
        _settings: not used.
        _seed: not used.

    Returns:
        The best column; None where no item has a text or a vector.
    """
    grid: dict[str, Callable[[FitData], Scorer]] = {"shared space": ContentKnn} if data.features.any() else {}
    if data.grams.nnz:
        grid["own idf"] = ContentIdf
    return _best(prepared.platform, data, grid) if grid else None


def tune_item_knn(prepared: PreparedPlatform, data: FitData, settings: BaselineSettings, _seed: int) -> Baseline:
    """Over shrinkages and decays.

    Args:
        prepared: the platform on whose validation events columns are compared.
        data: what its training users tell.
        settings: the shrinkages.
        _seed: not used.

    Returns:
        The best column under the best shrinkage.
    """
    grid = {
        f"shrink {shrink:g}": partial(ItemKnn, settings=ItemKnnSettings(shrink=shrink)) for shrink in settings.shrinks
    }
    return _best(prepared.platform, data, grid)


def tune_ease(prepared: PreparedPlatform, data: FitData, settings: BaselineSettings, _seed: int) -> Baseline:
    """Over regularisations.

    Args:
        prepared: the platform on whose validation events they are compared.
        data: what its training users tell.
        settings: the regularisations.
        _seed: not used.

    Returns:
        The best one.
    """
    grid = {f"regularisation {value:g}": EaseSettings(regularisation=value) for value in settings.regularisations}
    return _best(prepared.platform, data, {name: partial(Ease, settings=ease) for name, ease in grid.items()})


def tune_local_id_alone(prepared: PreparedPlatform, data: FitData, settings: BaselineSettings, seed: int) -> Baseline:
    """A sequence model of ids only, over the grid of ``tune_local_id``.

    Args:
        prepared: the platform on a sample of whose validation events epochs are compared.
        data: what its training users tell.
        settings: the size of the sample.
        seed: of the sample, the model's draw and the training.

    Returns:
        The best of the grid; it cannot be made of later counts.
    """
    platform, device = prepared.platform, prepared.device
    held_out = examples(platform, Stage.VALIDATION, platform.training_users)
    rng = rng_for(seed, "local-id", "validation-users")
    limit = settings.validation_users
    sample = ValidationSet.sample(held_out, limit=limit, hide_seen=not platform.repeats, rng=rng)
    model, log, chosen = tune_local_id(data.sequences, platform.n_items, sample, seed=seed, device=device)
    tuned = {"epoch": log.best_epoch, "head_rate": chosen.head_rate, "dropout": chosen.dropout}
    return Baseline(
        scorer=Sequence(model, device), column=0, validation=float(np.max(log.validation, initial=0.0)), tuned=tuned
    )
