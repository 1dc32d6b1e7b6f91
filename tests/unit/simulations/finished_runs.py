"""Folders of finished runs with made-up figures, for the tests of what reads them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulations.results.outcomes import GateOutcome, MethodOutcome, PlatformSummary, RunResult
from simulations.results.result_document import write_results

Values = Mapping[tuple[str, str, int], Sequence[float]]
"""(platform, method, seed) to each user's NDCG@10"""


def write_run(
    folder: Path,
    values: Values,
    *,
    config: Mapping[str, Any] | None = None,
    synthetic: bool = False,
    complete: bool = True,
    events: int = 90,
    served: Mapping[tuple[str, int], str] | None = None,
) -> Path:
    """Write ``result.json`` and ``per_user.parquet``; ``served`` says what the gate chose by platform and seed."""
    users = {platform: len(ndcg) for (platform, _, _), ndcg in values.items()}
    result = RunResult(
        config={"seed": 0, **(config or {})},
        synthetic=synthetic,
        source=None,
        encoder=None,
        platforms=tuple(
            PlatformSummary(name=name, users=count, items=30, events=events, train_users=7, test_users=count)
            for name, count in users.items()
        ),
        outcomes=tuple(_outcome(*key, np.array(ndcg)) for key, ndcg in values.items()),
        rounds=(),
        gates=tuple(_gate(*key, method) for key, method in (served or {}).items()),
        helps=(),
        seconds={},
        wall_seconds=1.0,
        complete=complete,
    )
    write_results(result, folder)
    return folder


def _outcome(platform: str, method: str, seed: int, ndcg: np.ndarray) -> MethodOutcome:
    none = np.zeros(len(ndcg), bool)
    return MethodOutcome(
        platform=platform,
        method=method,
        seed=seed,
        users=np.arange(len(ndcg)),
        ndcg=ndcg,
        recall=np.ceil(ndcg),
        reciprocal_rank=ndcg / 2,
        coverage=0.25,
        cold_users=none,
        cold_items=none,
        tuned={"validation": 0.125},
    )


def _gate(platform: str, seed: int, method: str) -> GateOutcome:
    verdict = {"accepted": method != "local", "served": method, "reason": "", "users": 9, "candidates": {}}
    return GateOutcome(platform=platform, seed=seed, verdict=verdict)
