"""What a plugin's scorer or aggregation must be: tried on made-up data as it is loaded, its answers checked ever after.

So a fault shows itself before a run has spent its hours, and is named.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.sequences import Sequences
from client.features.hashing import local_grams
from client.features.prepared_platform import nearest
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, Scorer
from server.aggregation.server_optimiser import Aggregation, BuildAggregation, Update
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.seeding import rng_for

Faults = Callable[[], AbstractContextManager[None]]
"""Names the plugin where what is done inside fails."""


class GuardedScorer:
    """A scorer whose columns and scores are what the stack expects; raises ConfigError where they are not."""

    def __init__(self, scorer: Scorer, faults: Faults) -> None:
        self._scorer, self._faults = scorer, faults
        self.columns = _checked_columns(scorer.columns)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One float32 tensor [B, n] per column, finite, and never negative where the column counts."""
        with self._faults():
            scores = list(self._scorer.score(batch))
            if len(scores) != len(self.columns):
                raise ConfigError(f"must score its {len(self.columns)} columns; it gave {len(scores)} tensors")
            for column, values in zip(self.columns, scores, strict=True):
                _check_scores(column, values, (len(batch), batch.n_items))
        return scores


def _checked_columns(columns: object) -> tuple[Column, ...]:
    if (
        not isinstance(columns, tuple | list)
        or not columns
        or not all(isinstance(column, Column) for column in columns)
    ):
        raise ConfigError(f"must have columns, a tuple of one Column or more; found {columns!r}")
    return tuple(columns)


def _check_scores(column: Column, values: object, shape: tuple[int, int]) -> None:
    if not isinstance(values, torch.Tensor) or values.dtype != torch.float32 or tuple(values.shape) != shape:
        kind = f"{values.dtype} {list(values.shape)}" if isinstance(values, torch.Tensor) else type(values).__name__
        raise ConfigError(f"must score column {column.name!r} as torch.float32 {list(shape)}; it gave {kind}")
    if not torch.isfinite(values).all():
        raise ConfigError(f"must score column {column.name!r} with finite numbers; it gave others")
    if column.kind is Kind.COUNT and bool((values < 0).any()):
        raise ConfigError(f"must not score the count column {column.name!r} below 0; it did")


class GuardedAggregation:
    """An aggregation that gets updates in the order of names and answers with one encoder."""

    def __init__(self, aggregation: Aggregation, faults: Faults) -> None:
        self._aggregation, self._faults = aggregation, faults

    def step(
        self, encoder: NDArray[np.float32], updates: Sequence[Update], *, round_number: int
    ) -> NDArray[np.float32]:
        """The next encoder, by the plugin's aggregation.

        Args:
            encoder: [P] the present encoder; the aggregation gets a copy.
            updates: of the platforms, in any order; the aggregation gets them in the order of names.
            round_number: number of the training round, from 1.

        Returns:
            [P] the next encoder.

        Raises:
            ConfigError: if the aggregation fails or answers with something else.
        """
        ordered = sorted(updates, key=lambda update: update.name)
        with self._faults():
            answer = self._aggregation.step(encoder.copy(), ordered, round_number=round_number)
            if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f" or answer.shape != encoder.shape:
                kind = f"{answer.dtype} {list(answer.shape)}" if isinstance(answer, np.ndarray) else type(answer)
                raise ConfigError(f"must give the next encoder, real numbers {list(encoder.shape)}; it gave {kind}")
        return answer.astype(np.float32)


N_ITEMS, N_USERS, LENGTH, DIM = 80, 120, 6, 16
NUMBERS, PLATFORMS = 12, 3


def try_scorer(build: Callable[[FitData], GuardedScorer], rule: Callable[[FitData], str | None]) -> None:
    """Fit a scorer on made-up data and score with it, where its rule allows it.

    Args:
        build: fits the scorer.
        rule: says why the scorer is not used on some data; None where it is.

    Raises:
        ConfigError: if the scorer fails, or scores the same histories in two ways.
    """
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
    hours = 3_600.0 * np.add.outer(np.arange(N_USERS), N_USERS * np.arange(LENGTH))
    sequences = Sequences(
        offsets=np.arange(N_USERS + 1) * LENGTH, items=items.reshape(-1).astype(np.int32), times=hours.reshape(-1)
    )
    return FitData(
        sequences=sequences,
        features=features,
        neighbours=nearest(features),
        ordered=True,
        grams=local_grams(tuple(f"group{group[item]} item{item}" for item in range(N_ITEMS))),
        log=EventLog.of(sequences),
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
