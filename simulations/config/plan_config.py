"""A run of devices that is planned, not made: the checked options of ``graft-sim plan``."""

from dataclasses import dataclass, replace

from client.data.folder_options import SharedPreparation
from shared.system.device import ComputeDevice
from shared.system.options import Checked, entries, group
from simulations.config.device_run_config import DeviceRunConfig
from simulations.config.drawn_size import DrawnSize
from simulations.config.population_config import PopulationConfig

ALWAYS_THERE = PopulationConfig(availability="always", breaks_per_minute=0.0)
_UNPLANNED = tuple(
    entry.key for kind in (PopulationConfig, SharedPreparation, ComputeDevice) for entry in entries(kind)
)
_OF_DATA = ("from-encoder", "features", "judge-every", "judged-devices", "event-seconds", "address")


@dataclass(frozen=True, kw_only=True)
class PlanConfig(Checked):
    """One run; raises ConfigError where a value makes no sense."""

    size: DrawnSize = group(DrawnSize)
    run: DeviceRunConfig = group(DeviceRunConfig, without=_UNPLANNED + _OF_DATA)

    @property
    def steady(self) -> DeviceRunConfig:
        """The run, over devices that are always available and finish what they begin."""
        return replace(self.run, population=ALWAYS_THERE)
