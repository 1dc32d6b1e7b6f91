"""Measured runs as a file, which a plan is made from."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.errors import DataError
from shared.system.options import to_flat
from simulations.config.plan_config import PlanConfig
from simulations.devices.measured_run import MeasuredRun, measured
from simulations.devices.plan_runs import FITTED_ON, JUDGED_BY
from simulations.devices.planned_run import PlannedRun
from simulations.devices.run_costs import Measured


def measure_runs(path: Path, tell: Callable[[str], None]) -> None:
    """Make all runs that the file does not hold yet, and write it after each.

    Args:
        path: of the file.
        tell: gets a line for each.

    Raises:
        DataError: if the file is there and holds something else.
    """
    runs = _read(path) if path.exists() else {}
    for config in (*FITTED_ON, *JUDGED_BY):
        if _name(config) not in runs:
            runs[_name(config)] = asdict(measured(config))
            path.write_text(json.dumps(runs, indent=1) + "\n", "utf-8")
            tell(f"{runs[_name(config)]['cpu_seconds']:.1f} s: {_name(config)}")


def read_runs(path: Path) -> tuple[Measured, Measured]:
    """The runs that costs are fitted on, and those that they are judged by.

    Args:
        path: of the file.

    Returns:
        Both.

    Raises:
        DataError: if the file is not there, or lacks a run.
    """
    if not path.exists():
        raise DataError(f"{path}: expected a file of measured runs; found none: make it with --measure")
    runs = _read(path)
    return _of(runs, FITTED_ON, path), _of(runs, JUDGED_BY, path)


def _of(runs: dict[str, Any], configs: tuple[PlanConfig, ...], path: Path) -> Measured:
    lacking = sum(_name(config) not in runs for config in configs)
    if lacking:
        raise DataError(f"{path}: expected {len(configs)} measured runs; {lacking} are not there: go on with --measure")
    return [(PlannedRun(config=config), MeasuredRun(**runs[_name(config)])) for config in configs]


def _read(path: Path) -> dict[str, Any]:
    try:
        runs = json.loads(path.read_text("utf-8"))
        for run in runs.values():
            MeasuredRun(**run)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: expected a file of measured runs; found another: {error}") from error
    return dict(runs)


def _name(config: PlanConfig) -> str:
    """The options that runs differ in."""
    plain = to_flat(PlanConfig())
    return " ".join(f"{key}={value}" for key, value in to_flat(config).items() if value != plain[key])
