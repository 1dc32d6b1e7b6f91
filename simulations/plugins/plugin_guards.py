"""What stands around a plugin's scorer or aggregation: its answers are checked, its faults named."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Column, HistoryBatch, Kind, Scorer
from server.aggregation.server_optimiser import Aggregation, Update
from shared.errors import ConfigError

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
    if not isinstance(columns, tuple | list) or not columns or not all(isinstance(one, Column) for one in columns):
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
        """[P] the next encoder; raises ConfigError where the aggregation fails or answers with something else."""
        ordered = sorted(updates, key=lambda update: update.name)
        with self._faults():
            answer = self._aggregation.step(encoder.copy(), ordered, round_number=round_number)
            if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f" or answer.shape != encoder.shape:
                kind = f"{answer.dtype} {list(answer.shape)}" if isinstance(answer, np.ndarray) else type(answer)
                raise ConfigError(f"must give the next encoder, real numbers {list(encoder.shape)}; it gave {kind}")
        return answer.astype(np.float32)
