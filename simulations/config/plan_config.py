"""A run of devices that is planned, not made: the checked options of ``graft-sim plan``."""

from dataclasses import dataclass

from shared.encoder.presets import PRESETS
from shared.system.options import Seeded, group, option
from simulations.config.device_run_config import DeviceRunConfig, DeviceTraining
from simulations.config.drawn_size import DrawnSize
from simulations.config.population_config import PopulationConfig


@dataclass(frozen=True, kw_only=True)
class PlanConfig(Seeded):
    """One run; raises ConfigError where a value makes no sense."""

    encoder: str = option("nano", choices=tuple(PRESETS), help="Size of the encoder.")
    check_ins: int = option(
        0, least=0, help="Most devices that the coordinator sees at one moment, of those available; 0: all of them."
    )
    workers: int = option(1, least=1, help="How many processes train at once, each with one thread.")
    size: DrawnSize = group(DrawnSize)
    training: DeviceTraining = group(DeviceTraining)

    @property
    def run(self) -> DeviceRunConfig:
        """The run, over devices that are always available and finish what they begin."""
        return DeviceRunConfig(
            seed=self.seed,
            encoder=self.encoder,
            check_ins=self.check_ins,
            training=self.training,
            population=PopulationConfig(availability="always", breaks_per_minute=0.0),
        )
