"""Leave-one-out contributions in ``result.json``."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from shared.seeding import rng_for
from simulations.results.outcomes import ContributionOutcome
from simulations.results.paired import lift_over_users


def contributions_entry(outcomes: Sequence[ContributionOutcome]) -> dict[str, dict[str, Any]]:
    """What each platform contributes to each.

    Args:
        outcomes: of all platforms and seeds.

    Returns:
        Platform that is left out to platform to the lift of its method with all over the method without, paired by
        users: ``method``, and ``mean``, ``low`` and ``high`` in percent.
    """
    by_platform: dict[str, list[ContributionOutcome]] = {}
    for outcome in outcomes:
        by_platform.setdefault(outcome.platform, []).append(outcome)
    entry: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for outcome in outcomes for name in outcome.without):
        row = {platform: _lift_entry(name, of_platform) for platform, of_platform in by_platform.items()}
        entry[name] = {platform: lift for platform, lift in row.items() if lift is not None}
    return entry


def _lift_entry(name: str, outcomes: list[ContributionOutcome]) -> dict[str, Any] | None:
    frames = [
        pl.DataFrame({"user": outcome.users, "method": outcome.ndcg, "baseline": outcome.without[name]})
        for outcome in outcomes
        if name in outcome.without
    ]
    if not frames:
        return None
    first = outcomes[0]
    lift = lift_over_users(pl.concat(frames), rng_for(first.seed, "contribution", first.platform, name))
    return None if lift is None else {"method": first.method, **lift.to_json()}
