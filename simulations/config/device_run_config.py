"""What a run of a population of devices does: the checked options of ``graft-sim devices``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.data.folder_options import DataSettings
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError
from shared.federation.config import LEAST_MASKED, LocalSettings, RoundsConfig
from shared.system.options import from_flat, group, option, to_flat
from simulations.config.engine_options import EngineOptions
from simulations.config.population_config import PopulationConfig

USUAL = RoundsConfig(
    privacy="masked",
    min_platforms=LEAST_MASKED,
    rounds=50,
    cohort=1000,
    moments=True,
    robust="none",
    evaluate_every=0,
    aggregation="fedadam",
    server_learning_rate=0.003,
    local=LocalSettings(steps=5, encoder_rate=0.001, negatives=64, proximal=0.0),
)
"""of rounds over devices; some of it is all that a cohort can be asked for"""


@dataclass(frozen=True, kw_only=True)
class DeviceRunConfig(DataSettings):
    """One run; raises ConfigError where a value makes no sense."""

    preset: str = option("nano", choices=tuple(PRESETS), help="Size of an encoder that is begun anew.")
    from_encoder: str = option(
        "", metavar="FILE", help="The encoder file to begin from. Default: an untrained encoder."
    )
    check_ins: int = option(
        0, least=0, help="Most devices that the coordinator sees at one moment, of those available; 0: all of them."
    )
    judge_every: int = option(
        10,
        least=0,
        help="Rounds between two looks at what the encoder is worth, by the simulation alone; 0: at the end.",
    )
    judged_devices: int = option(1000, least=1, help="Devices of such a look; at the end all are ranked.")
    event_seconds: float = option(
        0.01, above=0, help="What a step on one event takes the median device, in virtual seconds."
    )
    error_feedback: bool = option(
        False,
        help="Whether a device adds what rounding took from its last update to its next one; the simulation then keeps "
        "as many numbers of each device that was asked as an encoder has.",
    )
    federation: RoundsConfig = group(RoundsConfig, without=("seed",), usual=USUAL, of_cohorts=True)
    """The rounds, as the server's app takes them; their seed is the run's."""
    population: PopulationConfig = group(PopulationConfig)
    engine: EngineOptions = group(EngineOptions)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.federation.cohort:
            raise ConfigError("cohort must be at least 1; got 0")
        rate = self.federation.server_learning_rate
        if self.federation.aggregation == "fedavg" and rate != 1:
            raise ConfigError(
                f"where aggregation is fedavg, the server's learning rate must be 1, since it has none; got {rate:g} "
                "(fedavgm has one, without momentum too)"
            )
        if self.error_feedback and self.engine.engine != "here":
            raise ConfigError(f"error-feedback is kept in one process: engine must be here; got {self.engine.engine}")
        if self.check_ins and self.check_ins < self.federation.cohort:
            raise ConfigError(
                f"check-ins must be 0 or at least the cohort, {self.federation.cohort}; got {self.check_ins}"
            )

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> "DeviceRunConfig":
        """A config from options by key; what is not there has its default. Raises ConfigError."""
        return from_flat(cls, options)

    def to_dict(self) -> dict[str, Any]:
        """JSON values by key."""
        return to_flat(self)
