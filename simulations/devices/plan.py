"""A plan: what a run of devices will take, and how far plans were off on runs that they had not seen."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulations.config.plan_config import PlanConfig
from simulations.devices.cost_file import read_runs
from simulations.devices.engine import workers_of
from simulations.devices.planned_run import PlannedRun
from simulations.devices.run_costs import Estimate, RunCosts

_KINDS = {"cpu_seconds": "time", "memory": "memory"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is told of a run."""

    config: PlanConfig
    estimate: Estimate
    errors: list[dict[str, float]]
    """of each run that the fit had not seen, by kind, as a share"""

    @property
    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self.estimate), "errors_on_unseen_runs": self.errors}

    @property
    def text(self) -> str:
        """In words."""
        config, estimate = self.config, self.estimate
        training = config.run.federation
        answers = PlannedRun(config=config).asked * training.rounds
        wall, cpu = _duration(estimate.wall_seconds), _duration(estimate.cpu_seconds)
        rows = {
            "time": f"{wall} with {workers_of(config.run.engine)} worker(s) on a free machine; {cpu} of one processor",
            "memory": f"{estimate.memory / 1024:.2f} GiB resident at most, of a run in one process",
            "downloads": f"{_bytes(estimate.bytes_down)}; {_bytes(estimate.bytes_down / answers)} a device and round",
            "uploads": f"{_bytes(estimate.bytes_up)}; {_bytes(estimate.bytes_up / answers)} a device and round",
            **{f"error of {name}": f"{self._told(kind)} on runs that were not fitted" for kind, name in _KINDS.items()},
        }
        title = f"{config.size.devices:,} devices, {training.rounds:,} rounds of {training.cohort:,}"
        return "\n".join([title, *(f"{name:<15} {row}" for name, row in rows.items())])

    def _told(self, kind: str) -> str:
        return ", ".join(f"{error[kind]:+.0%}" for error in self.errors)


def plan_of(config: PlanConfig, costs: Path) -> Plan:
    """Plan a run.

    Args:
        config: of the run.
        costs: file of measured runs.

    Returns:
        The plan.

    Raises:
        DataError: if the file cannot be used.
    """
    fitted_on, judged_by = read_runs(costs)
    fitted = RunCosts.fitted(fitted_on)
    return Plan(config=config, estimate=fitted.estimate(PlannedRun(config=config)), errors=fitted.errors(judged_by))


def _duration(seconds: float) -> str:
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _bytes(count: float) -> str:
    for length, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= length:
            return f"{count / length:.3g} {unit}"
    return f"{count:.0f} bytes"
