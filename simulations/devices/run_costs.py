"""What runs cost, fitted on measured ones: seconds and memory are sums of counts times prices.

The fit is least squares of relative errors, over prices that are not negative.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from simulations.devices.engine import workers_of
from simulations.devices.measured_run import MeasuredRun
from simulations.devices.planned_run import DRIVER, MEMORY, WORKERS, PlannedRun

KINDS = ("cpu_seconds", "memory")
"""What is fitted."""
Prices = Mapping[str, float]
Measured = Sequence[tuple[PlannedRun, MeasuredRun]]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run takes."""

    cpu_seconds: float
    wall_seconds: float
    """with nobody else on the machine"""
    memory: float
    """MiB of resident memory of the run's own process"""
    bytes_down: int
    bytes_up: int


@dataclass(frozen=True, kw_only=True)
class RunCosts:
    """Prices of what a run is made of."""

    seconds: Prices
    """of the processor, by ``DRIVER`` and ``WORKERS``"""
    memory: Prices
    """MiB by ``MEMORY``"""

    @classmethod
    def fitted(cls, runs: Measured) -> "RunCosts":
        """Fit.

        Args:
            runs: planned, and as they were measured.

        Returns:
            The costs.
        """
        work = [planned.work for planned, _ in runs]
        memory = [planned.memory for planned, _ in runs]
        return cls(
            seconds=_prices((*DRIVER, *WORKERS), work, np.array([run.cpu_seconds for _, run in runs])),
            memory=_prices(MEMORY, memory, np.array([run.memory for _, run in runs])),
        )

    def estimate(self, planned: PlannedRun) -> Estimate:
        """What a planned run takes."""
        work, rounds = planned.work, planned.config.run.federation.rounds
        by_driver, by_workers = (sum(self.seconds[name] * work[name] for name in names) for names in (DRIVER, WORKERS))
        return Estimate(
            cpu_seconds=by_driver + by_workers,
            wall_seconds=by_driver + by_workers / workers_of(planned.config.run.engine),
            memory=sum(self.memory[name] * count for name, count in planned.memory.items()),
            bytes_down=rounds * planned.asked * planned.bytes_down,
            bytes_up=rounds * planned.asked * planned.bytes_up,
        )

    def errors(self, runs: Measured) -> list[dict[str, float]]:
        """How far estimates lie from runs, as a share of what was measured.

        Args:
            runs: planned, and as they were measured.

        Returns:
            For each run its errors by name; positive where the estimate is too high.
        """
        pairs = [(self.estimate(planned), run) for planned, run in runs]
        return [{kind: getattr(told, kind) / getattr(run, kind) - 1 for kind in KINDS} for told, run in pairs]


def _prices(names: Sequence[str], counts: Sequence[Mapping[str, float]], measured: NDArray[np.float64]) -> Prices:
    matrix = np.array([[row[name] for name in names] for row in counts]) / measured[:, None]
    scale = np.maximum(matrix.max(0), np.finfo(np.float64).tiny)
    prices, _ = nnls(matrix / scale, np.ones(len(measured)))
    return dict(zip(names, (prices / scale).tolist(), strict=True))
