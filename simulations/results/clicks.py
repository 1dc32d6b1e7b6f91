"""Click prediction in ``result.json``: a block for each platform, made of a run's outcomes."""

from typing import Any

import numpy as np
import polars as pl

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import paired_lift
from client.transfer.table import predicting_clicks
from shared.seeding import rng_for
from simulations.results.outcomes import ClickOutcome


def clicks_entry(outcomes: list[ClickOutcome]) -> dict[str, Any] | None:
    """A platform's ``clicks``; None where nothing of it was predicted."""
    if not outcomes:
        return None
    by_method = {
        method: [outcome for outcome in outcomes if outcome.method == method] for method in predicting_clicks()
    }
    by_method = {method: method_outcomes for method, method_outcomes in by_method.items() if method_outcomes}
    local = by_method.get(LOCAL)
    first = outcomes[0]
    return {
        "impressions": dict(first.impressions),
        "items": first.items,
        "click_rate": first.click_rate,
        "methods": {method: _method_entry(method_outcomes, local) for method, method_outcomes in by_method.items()},
    }


def _method_entry(outcomes: list[ClickOutcome], local: list[ClickOutcome] | None) -> dict[str, Any]:
    per_seed = {
        "auc": [float(outcome.ranking.auc.mean()) for outcome in outcomes],
        "gauc": [outcome.ranking.gauc for outcome in outcomes],
        "mrr": [float(outcome.ranking.reciprocal_rank.mean()) for outcome in outcomes],
        "ndcg@5": [float(outcome.ranking.ndcg_5.mean()) for outcome in outcomes],
        "ndcg@10": [float(outcome.ranking.ndcg_10.mean()) for outcome in outcomes],
        "log_loss": [outcome.log_loss for outcome in outcomes],
        "ece": [outcome.ece for outcome in outcomes],
        "ece_scaled": [outcome.ece_scaled for outcome in outcomes],
        "temperature": [outcome.temperature for outcome in outcomes],
    }
    tuned = dict.fromkeys(name for outcome in outcomes for name in outcome.tuned)
    return {
        **{metric: float(np.mean(values)) for metric, values in per_seed.items()},
        "per_seed": {"seed": [outcome.seed for outcome in outcomes], **per_seed},
        "lift": None if local is None or local is outcomes else _lift(outcomes, local),
        "tuned": {name: [outcome.tuned.get(name) for outcome in outcomes] for name in tuned},
    }


def _lift(outcomes: list[ClickOutcome], local: list[ClickOutcome]) -> dict[str, Any] | None:
    """Of AUC over that of ``local`` on the same users; a user's impressions are averaged, then their seeds."""
    pairs = _by_user(outcomes, "method").join(_by_user(local, "local"), on=["seed", "user"], how="inner")
    users = pairs.group_by("user").agg(pl.col("method").mean(), pl.col("local").mean()).sort("user")
    rng = rng_for(outcomes[0].seed, "click-lift", outcomes[0].platform, outcomes[0].method)
    lift = paired_lift(users["method"].to_numpy(), users["local"].to_numpy(), rng)
    return None if lift is None else {"against": LOCAL, **lift.to_json()}


def _by_user(outcomes: list[ClickOutcome], name: str) -> pl.DataFrame:
    frames = [
        pl.DataFrame({"user": outcome.ranking.users, name: outcome.ranking.auc})
        .group_by("user")
        .agg(pl.col(name).mean())
        .with_columns(seed=pl.lit(outcome.seed))
        for outcome in outcomes
    ]
    return pl.concat(frames)
