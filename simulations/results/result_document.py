"""The result files of a run: ``result.json`` and ``per_user.parquet``; their names are in docs/result-format.md."""

import io
import json
import platform as machine
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from client.ensemble.candidates import LOCAL
from shared.errors import DataError
from shared.federation.config import RoundsConfig
from shared.seeding import rng_for
from shared.system.options import renamed
from shared.system.whole_file import write_whole
from simulations.results.clicks import clicks_entry
from simulations.results.contributions import contributions_entry
from simulations.results.outcomes import (
    BEGINNING,
    ORACLE,
    MethodOutcome,
    PlatformSummary,
    RunResult,
    TradeOff,
    shown,
)
from simulations.results.paired import lift_over_users
from simulations.results.slices import cold_start_entry, mean_or_none, slices_entry

FORMAT = 1
"""Version of ``result.json``; it grows when a name changes its meaning or goes."""

RESULT_FILE = "result.json"
PER_USER_FILE = "per_user.parquet"
USER_COLUMNS: dict[str, type[pl.DataType]] = {
    "platform": pl.String,
    "method": pl.String,
    "seed": pl.Int64,
    "user": pl.Int64,
    "ndcg@10": pl.Float64,
}
"""Of ``per_user.parquet``."""
_PACKAGES = ("graft", "flwr", "torch", "numpy", "scipy", "polars")


def write_results(result: RunResult, out: Path) -> dict[str, Any]:
    """Write both files of a result, each whole or not at all.

    Args:
        result: of the run.
        out: the folder; it is made where there is none.

    Returns:
        What ``result.json`` holds.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = result_document(result)
    users = io.BytesIO()
    per_user_frame(result).write_parquet(users)
    write_whole(out / PER_USER_FILE, users.getvalue())
    write_whole(out / RESULT_FILE, f"{json.dumps(document, indent=1, allow_nan=False)}\n".encode())
    return document


def read_result(path: Path) -> dict[str, Any]:
    """Read a ``result.json``, options of its config under the names of today; raises DataError for another format."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} is not a readable result.json: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path} is not a readable result.json: {error}") from None
    stated_format = document.get("format") if isinstance(document, dict) else None
    if stated_format != FORMAT:
        raise DataError(f"{path} must be a result of format {FORMAT}; found {stated_format!r}")
    return {**document, "config": renamed(RoundsConfig, document.get("config", {}))}


def read_users(folder: Path) -> pl.DataFrame:
    """A run's ``per_user.parquet``, as ``per_user_frame`` has it; raises DataError where it is none."""
    path = folder / PER_USER_FILE
    try:
        return pl.read_parquet(path, columns=list(USER_COLUMNS))
    except (OSError, PolarsError):
        raise DataError(f"{path} must be the per_user.parquet of a run; it is missing or cannot be read") from None


def without_times(document: Any) -> Any:
    """A copy without any key ``seconds``: what the same seed on the same machine gives again."""
    if isinstance(document, Mapping):
        return {key: without_times(value) for key, value in document.items() if key != "seconds"}
    if isinstance(document, list):
        return [without_times(value) for value in document]
    return document


def per_user_frame(result: RunResult) -> pl.DataFrame:
    """One row for each platform, method, seed and user (``Platform.user_numbers``), with its NDCG@10."""
    frames = [
        pl.DataFrame({"user": outcome.users, "ndcg@10": outcome.ndcg}).select(
            pl.lit(outcome.platform).alias("platform"),
            pl.lit(outcome.method).alias("method"),
            pl.lit(outcome.seed, dtype=pl.Int64).alias("seed"),
            "user",
            "ndcg@10",
        )
        for outcome in result.outcomes
    ]
    return pl.concat([pl.DataFrame(schema=USER_COLUMNS), *frames])


def versions() -> dict[str, str]:
    """Python, Graft and the libraries that can change a number."""
    return {"python": machine.python_version(), **{name: version(name) for name in _PACKAGES}}


def result_document(result: RunResult) -> dict[str, Any]:
    """What ``result.json`` holds, as JSON values."""
    return {
        "format": FORMAT,
        "synthetic": result.synthetic,
        "complete": result.complete,
        "source": result.source,
        "config": dict(result.config),
        "versions": versions(),
        "encoder": None if result.encoder is None else asdict(result.encoder),
        "platforms": {
            summary.name: _platform_entry(summary, result)
            | {"clicks": clicks_entry([outcome for outcome in result.clicks if outcome.platform == summary.name])}
            for summary in result.platforms
            if BEGINNING not in summary.name
        },
        "cold_start": _beginnings(result),
        "rounds": [asdict(outcome) for outcome in result.rounds],
        "who_helps": [
            {"seed": help_outcome.seed, "linear": {name: dict(lifts) for name, lifts in help_outcome.lifts.items()}}
            for help_outcome in result.helps
        ],
        "contributions": contributions_entry(result.contributions),
        "seconds": {"total": result.wall_seconds, "steps": dict(result.seconds)},
    }


def _beginnings(result: RunResult) -> dict[str, dict[str, Any]]:
    """Platform: number of users trained on, ascending: what the platform was with so many."""
    parts = [summary for summary in result.platforms if BEGINNING in summary.name]
    beginnings: dict[str, dict[str, Any]] = {}
    for summary in sorted(parts, key=lambda summary: summary.train_users):
        name, _, count = summary.name.partition(BEGINNING)
        beginnings.setdefault(name, {})[count] = _platform_entry(summary, result)
    return beginnings


def _of_platform(result: RunResult, platform: str) -> dict[str, list[MethodOutcome]]:
    """The platform's outcomes by method, in the order of ``METHODS``; seeds ascending."""
    outcomes = sorted(
        (outcome for outcome in result.outcomes if outcome.platform == platform),
        key=lambda outcome: outcome.seed,
    )
    by_method = {method: [outcome for outcome in outcomes if outcome.method == method] for method in shown()}
    return {method: method_outcomes for method, method_outcomes in by_method.items() if method_outcomes}


def _platform_entry(summary: PlatformSummary, result: RunResult) -> dict[str, Any]:
    by_method = _of_platform(result, summary.name)
    gates = [gate for gate in result.gates if gate.platform == summary.name]
    local, oracle = by_method.get(LOCAL), by_method.get(ORACLE)
    return {
        "users": summary.users,
        "items": summary.items,
        "events": summary.events,
        "train_users": summary.train_users,
        "test_users": summary.test_users,
        "left_out": dict(summary.left_out),
        "scorers": dict(summary.scorer_values),
        "gate": [{"seed": gate.seed, **gate.verdict} for gate in gates],
        "methods": {method: _method_entry(outcomes, local, oracle) for method, outcomes in by_method.items()},
    }


def _method_entry(
    outcomes: list[MethodOutcome], local: list[MethodOutcome] | None, oracle: list[MethodOutcome] | None
) -> dict[str, Any]:
    per_seed = {
        "ndcg@10": [_mean(outcome.ndcg) for outcome in outcomes],
        "recall@10": [_mean(outcome.recall) for outcome in outcomes],
        "mrr": [_mean(outcome.reciprocal_rank) for outcome in outcomes],
        "coverage@10": [outcome.coverage for outcome in outcomes],
        "diversity@10": [_mean(outcome.lists.diversity) for outcome in outcomes if outcome.lists is not None],
        "novelty@10": [_mean(outcome.lists.novelty) for outcome in outcomes if outcome.lists is not None],
    }
    tuned = dict.fromkeys(name for outcome in outcomes for name in outcome.tuned)
    entry: dict[str, Any] = {
        **{metric: mean_or_none(values) for metric, values in per_seed.items()},
        "per_seed": {"seed": [outcome.seed for outcome in outcomes], **per_seed},
        "slices": slices_entry(outcomes),
        "cold_start": cold_start_entry(outcomes),
        "weights": _mean_weights(outcomes),
        "lift": None if local is None or local is outcomes else _lift_entry(outcomes, local),
        "tuned": {name: [outcome.tuned.get(name) for outcome in outcomes] for name in tuned},
    }
    if any(outcome.student for outcome in outcomes):
        entry["student"] = _student_entry(outcomes)
    if oracle is not None:
        entry["share_of_oracle"] = _share(entry["ndcg@10"], [_mean(outcome.ndcg) for outcome in oracle])
    frozen = [_mean(outcome.frozen_ndcg) for outcome in outcomes if outcome.frozen_ndcg is not None]
    if frozen:
        entry["frozen_ndcg@10"] = mean_or_none(frozen)
    outside = [outcome.outside for outcome in outcomes if outcome.outside is not None]
    if outside:
        entry["outside_shortlists"] = mean_or_none(outside)
    curves = [outcome.trade_off for outcome in outcomes if outcome.trade_off is not None]
    if curves:
        entry["trade_off"] = _trade_off_entry(curves)
    return entry


def _student_entry(outcomes: list[MethodOutcome]) -> dict[str, Any]:
    """Means over the seeds that have a student; shares are of means."""
    pairs = [(outcome, outcome.student) for outcome in outcomes if outcome.student is not None]
    ndcg = float(np.mean([student.ndcg for _, student in pairs]))
    taught = [student.teacher_ndcg for _, student in pairs if student.teacher_ndcg is not None]
    first = pairs[0][1]
    return {
        "preset": first.preset,
        "parameters": first.parameters,
        "teacher_parameters": first.teacher_parameters,
        "ndcg@10": ndcg,
        "share_of_stack": _share(ndcg, [_mean(outcome.ndcg) for outcome, _ in pairs]),
        "share_of_teacher": _share(ndcg, taught) if taught else None,
        "seconds": {
            "student": float(np.mean([student.seconds for _, student in pairs])),
            "stack": float(np.mean([student.stack_seconds for _, student in pairs])),
        },
    }


def _share(value: float, of: list[float]) -> float | None:
    whole = float(np.mean(of))
    return value / whole if whole > 0 else None


def _trade_off_entry(curves: list[TradeOff]) -> dict[str, Any]:
    """Means over seeds."""
    return {
        "users": round(np.mean([curve.users for curve in curves])),
        "lambda": list(curves[0].strengths),
        "ndcg@10": np.mean([curve.ndcg for curve in curves], axis=0).tolist(),
        "diversity@10": np.mean([curve.diversity for curve in curves], axis=0).tolist(),
    }


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _mean_weights(outcomes: list[MethodOutcome]) -> dict[str, float]:
    """Mean over seeds; a scorer that a seed's stack does not hold counts 0 there."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.weights)
    return {name: float(np.mean([outcome.weights.get(name, 0.0) for outcome in outcomes])) for name in names}


def _lift_entry(outcomes: list[MethodOutcome], local: list[MethodOutcome]) -> dict[str, Any] | None:
    """Lift over ``local`` on the same users; each user's values are first averaged over the seeds of both."""
    pairs = pl.concat([_ndcg_frame(outcomes, "method"), _ndcg_frame(local, "baseline")], how="align").drop_nulls()
    platform, method = outcomes[0].platform, outcomes[0].method
    lift = lift_over_users(pairs, rng_for(outcomes[0].seed, "lift", platform, method))
    return None if lift is None else {"against": LOCAL, **lift.to_json()}


def _ndcg_frame(outcomes: list[MethodOutcome], name: str) -> pl.DataFrame:
    return pl.concat(
        [
            pl.DataFrame({"user": outcome.users, name: outcome.ndcg}).with_columns(seed=pl.lit(outcome.seed))
            for outcome in outcomes
        ]
    )
