"""A plugin tried on made-up data as it is loaded: a fault shows itself before a run has spent its hours."""

from collections.abc import Callable

import numpy as np

from client.data.platform import Sequences
from client.features.local_grams import local_grams
from client.features.neighbours import nearest
from client.scorers.scorer import FitData, HistoryBatch
from server.aggregation.server_optimiser import BuildAggregation, Update
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.seeding import rng_for
from simulations.plugins.plugin_guards import GuardedScorer

N_ITEMS, N_USERS, LENGTH, DIM = 80, 120, 6, 16
NUMBERS, PLATFORMS = 12, 3


def try_scorer(build: Callable[[FitData], GuardedScorer], rule: Callable[[FitData], str | None]) -> None:
    """Fit and score where the rule allows it; raises ConfigError where the same histories are scored in two ways."""
    data = made_up_data()
    if rule(data) is not None:
        return
    scorer = build(data)
    histories = Sequences(offsets=np.array([0, 1, 4, 10]), items=(np.arange(10) * 7 % N_ITEMS).astype(np.int32))
    first, again = (scorer.score(HistoryBatch(histories, N_ITEMS)) for _ in range(2))
    for column, before, after in zip(scorer.columns, first, again, strict=True):
        if not before.equal(after):
            raise ConfigError(f"must score the same histories alike; column {column.name!r} changed")


def made_up_data() -> FitData:
    """Users walk along 80 items; items in a row of eight have a word and a direction in common."""
    rng = rng_for(0, "plugin-trial")
    group = np.arange(N_ITEMS) // 8
    features = rng.normal(size=(N_ITEMS // 8, DIM))[group] + 0.5 * rng.normal(size=(N_ITEMS, DIM))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    items = (rng.integers(0, N_ITEMS, (N_USERS, 1)) + np.cumsum(rng.integers(1, 4, (N_USERS, LENGTH)), 1)) % N_ITEMS
    return FitData(
        sequences=Sequences(offsets=np.arange(N_USERS + 1) * LENGTH, items=items.reshape(-1).astype(np.int32)),
        features=features,
        neighbours=nearest(features),
        ordered=True,
        grams=local_grams(tuple(f"group{group[item]} item{item}" for item in range(N_ITEMS))),
    )


def try_aggregation(build: BuildAggregation) -> None:
    """Two rounds of three platforms, then one of a single one, as it is where the others stay away."""
    aggregation = build(RoundsConfig())
    rng = rng_for(0, "plugin-trial", "aggregation")
    encoder = rng.normal(size=NUMBERS).astype(np.float32)
    for number, platforms in enumerate((PLATFORMS, PLATFORMS, 1), start=1):
        updates = [
            Update(name=f"platform-{row}", difference=rng.normal(size=NUMBERS), weight=1.0 + row)
            for row in range(platforms)
        ]
        encoder = aggregation.step(encoder, updates, round_number=number)
        if not np.isfinite(encoder).all():
            raise ConfigError("must give finite numbers; it gave others")
