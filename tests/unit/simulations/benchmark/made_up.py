"""A run whose outcomes are made up: ``feature`` is twice as good as ``local`` for every user."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulations.benchmark.cells import Entry, cell_config
from simulations.config.run_config import RunConfig
from simulations.results.outcomes import SERVED, GateOutcome, MethodOutcome, PlatformSummary
from simulations.run.run_recorder import RunRecorder

USERS = 600
SHOWN, BOUND, ADDS = 20.0, 10.0, 30.0
"""What the gate found of ``feature``: its lift over ``local``, the lift that it exceeds, what it adds to content."""
CANDIDATES = {
    "local": {"ndcg": 0.2, "lift": None, "bound": None, "transferability": None},
    "feature": {
        "ndcg": 0.24,
        "lift": SHOWN,
        "bound": BOUND,
        "transferability": {"users": 80, "events": 400, "lift": ADDS, "bound": 5.0},
    },
}


def folders_of(data: Path, runs: Sequence[Entry]) -> Path:
    """Folders for the platforms of entries of the grid; what is in their files is not read."""
    for spec in [spec for one in runs for spec in cell_config(one, 0, data).platforms]:
        spec.path.mkdir(parents=True, exist_ok=True)
        for name in ("items.parquet", "events.parquet"):
            (spec.path / name).write_bytes(b"")
    return data


def made_up_run(config: RunConfig, recorder: RunRecorder, _work: Path) -> None:
    """Hands over every reported platform's methods."""
    rng = np.random.default_rng(config.seed)
    local = np.where(rng.random(USERS) < 0.3, 0.5, 0.0)
    for name in config.reported:
        summary = PlatformSummary(name=name, users=USERS, items=9, events=9, train_users=9, test_users=9)
        recorder.add_platform(summary, config.seed)
        verdict = {"accepted": True, "served": "feature", "reason": "", "users": 9, "candidates": CANDIDATES}
        recorder.add_gate(GateOutcome(platform=name, seed=config.seed, verdict=verdict))
        for method in (*config.methods, SERVED):
            ndcg = 2 * local if method in ("feature", SERVED) else local
            recorder.add_outcome(_outcome(name, method, config.seed, ndcg))


def _outcome(name: str, method: str, seed: int, ndcg: np.ndarray) -> MethodOutcome:
    nobody = np.zeros(USERS, bool)
    return MethodOutcome(
        platform=name,
        method=method,
        seed=seed,
        users=np.arange(USERS),
        ndcg=ndcg,
        recall=ndcg,
        reciprocal_rank=ndcg,
        coverage=0.5,
        cold_users=nobody,
        cold_items=nobody,
        tuned={"validation": float(ndcg.mean())},
    )
