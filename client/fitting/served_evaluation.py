"""What a fit would serve, shown and not stored: how good it is on every user's last event, and what to expect of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples
from client.data.too_few_to_tell import LEAST_USERS, too_few_to_tell
from client.ensemble.candidates import LOCAL
from client.ensemble.fitting import FittedStacks, rank_all
from client.ensemble.gaps import stacked
from client.evaluation.beyond_accuracy import coverage
from client.evaluation.lift import Interval, paired_lift
from client.evaluation.ranking import Ranking, by_user
from client.fitting.platform_fit import PlatformFit
from client.gate.assessment import Assessment, assess_stacks
from client.transfer.table import METHODS
from shared.errors import DataError
from shared.seeding import rng_for
from shared.system.progress import in_steps


@dataclass(frozen=True, kw_only=True)
class MethodFigures:
    """One way of recommending, over all users, full ranking."""

    ndcg: float
    """NDCG@10"""
    recall: float
    """Recall@10"""
    mrr: float
    coverage: float
    """share of the catalogue that is in at least one user's first 10"""
    lift: Interval | None
    """in percent NDCG@10 over ``local``, paired by user; None for ``local`` itself, and where it found nothing"""


@dataclass(frozen=True, kw_only=True)
class ServedEvaluation:
    """All of it."""

    users: int
    """with something held out"""
    items: int
    device: str
    """where encoders were trained and scored: cpu or cuda"""
    served: str
    """the method that the gate serves"""
    reason: str
    methods: Mapping[str, MethodFigures]
    notes: tuple[str, ...] = ()
    """why the figures may tell nothing, one sentence each"""
    outside: float | None = None
    """share of what users had last that is on no shortlist, and counts as missed; None where every item was ranked"""

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return asdict(self)

    def to_frame(self) -> pl.DataFrame:
        """A row for each method: method, served, ndcg, recall, mrr, coverage, and lift, lift_low, lift_high in percent.

        The lift is over ``local`` with its interval of 95 %; null where there is none.
        """
        names = ("ndcg", "recall", "mrr", "coverage")
        rows = [
            {
                "method": method,
                "served": method == self.served,
                **{name: getattr(figures, name) for name in names},
                "lift": figures.lift and figures.lift.mean,
                "lift_low": figures.lift and figures.lift.low,
                "lift_high": figures.lift and figures.lift.high,
            }
            for method, figures in self.methods.items()
        ]
        numbers = (*names, "lift", "lift_low", "lift_high")
        schema = {"method": pl.String, "served": pl.Boolean, **dict.fromkeys(numbers, pl.Float64)}
        return pl.DataFrame(rows, schema=schema)


def evaluate_fit(fit: PlatformFit) -> ServedEvaluation:
    """Fit, and rank every user's last event under every method; nothing is stored.

    Raises DataError where the platform is too small to be fitted.
    """
    in_steps(fit.steps)
    stacks, platform = fit.stacks, fit.prepared.platform
    chosen = {method: candidate.by_gap for method, candidate in stacks.chosen.items() if method not in fit.absent}
    weights = {**_alone(stacks), **chosen}
    tests = examples(platform, Stage.TEST, np.arange(platform.n_users))
    ranked = rank_all(stacks.ensemble, stacked(list(weights.values())), tests)
    rankings = dict(zip(weights, ranked, strict=True))
    return ServedEvaluation(
        users=len(np.unique(tests.users)),
        items=platform.n_items,
        device=fit.prepared.device,
        served=fit.verdict.served,
        reason=fit.verdict.reason,
        outside=rankings[LOCAL].share_outside,
        methods={
            method: _figures(method, ranking, rankings[LOCAL], platform.n_items, fit.seed)
            for method, ranking in rankings.items()
        },
        notes=too_few_to_tell(_candidates(tests, platform), platform.n_items),
    )


def _candidates(tests: Examples, platform: Platform) -> NDArray[np.int64]:
    """[U] how many items the first list of each user with something held out is taken from."""
    _, first = np.unique(tests.users, return_index=True)
    if platform.repeats:
        return np.full(len(first), platform.n_items)
    pairs = np.unique(np.stack([tests.histories.owners(), tests.histories.items]), axis=1)
    return platform.n_items - np.bincount(pairs[0], minlength=len(tests))[first]


def _alone(stacks: FittedStacks) -> dict[str, NDArray[np.float64]]:
    """Method of one scorer to weights [R] that hold its best column alone, where the platform has it."""
    names, values = stacks.ensemble.names, stacks.scorer_values()
    weights = {}
    for method in METHODS.values():
        there = [column.name for column in method.columns if column.name in values]
        if there:
            best = max(there, key=lambda name: values[name])
            weights[method.name] = (np.array(names) == best).astype(np.float64)
    return weights


def _figures(method: str, ranking: Ranking, local: Ranking, n_items: int, seed: int) -> MethodFigures:
    rng = rng_for(seed, "evaluate", method)
    columns = np.stack([ranking.ndcg, ranking.recall, ranking.reciprocal_rank, local.ndcg])
    of_users = by_user(columns, ranking.users)
    ndcg, recall, mrr, _ = of_users.mean(1).tolist()
    return MethodFigures(
        ndcg=ndcg,
        recall=recall,
        mrr=mrr,
        coverage=coverage(ranking.recommended, n_items),
        lift=None if method == LOCAL else paired_lift(of_users[0], of_users[3], rng),
    )


def assess_fit(fit: PlatformFit) -> Assessment:
    """Fit, store nothing, and say what follows; raises DataError where the platform is too small."""
    users = len(fit.prepared.platform.training_users)
    if users < LEAST_USERS:
        raise DataError(f"{fit.prepared.name}: an assessment takes {LEAST_USERS} users with 3 events; got {users}")
    in_steps(fit.steps)
    return assess_stacks(fit.stacks, fit.verdict, users, rng_for(fit.seed, fit.prepared.name, "assess"))
