"""What a run of a population of devices does: the checked options of ``graft-sim devices``."""

from dataclasses import dataclass
from typing import Any

from client.data.folder_options import DataSettings
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError
from shared.federation.config import AGGREGATIONS, Aggregation, LocalSettings, RoundsConfig, adapter_rank
from shared.system.options import Checked, group, option, to_flat
from simulations.config.population_config import PopulationConfig


@dataclass(frozen=True, kw_only=True)
class DeviceTraining(Checked):
    """How a cohort trains, and what becomes of its mean."""

    rounds: int = option(50, least=0, help="Training rounds.")
    cohort: int = option(1000, least=1, help="Devices whose updates a round waits for.")
    over_sampling: float = option(
        1.0, least=1, most=10, help="How many times as many are asked, so that a round need not wait for the slowest."
    )
    deadline_seconds: float = option(600.0, above=0, help="How long a round waits, in virtual seconds.")
    local_steps: int = option(5, least=1, most=1000, help="Steps of gradient descent on a device.")
    local_rate: float = option(0.01, above=0, help="Their learning rate.")
    negatives: int = option(64, least=1, help="Items drawn per step that stand for all that did not come next.")
    proximal: float = option(0.0, least=0, help="μ of the pull μ/2 ‖θ − θ_received‖² (FedProx; Li et al. 2020).")
    clip_norm: float = option(0.0, least=0, help="Longest update of a device; 0 sets no limit.")
    adapters: str = option(
        "none",
        check=lambda _key, text: adapter_rank(text),
        help="none: all numbers of the sequence part are trained; or shared:RANK: adapters whose right factors all "
        "devices of a round have in common.",
    )
    aggregation: Aggregation = option("fedadam", choices=AGGREGATIONS, help="How the mean update becomes a step.")
    server_learning_rate: float = option(0.003, above=0, help="Of the server's step; for fedadam the step per number.")
    server_momentum: float = option(0.9, least=0, below=1, help="Of the server's step; fedavg has none.")


@dataclass(frozen=True, kw_only=True)
class DeviceRunConfig(DataSettings):
    """One run; raises ConfigError where a value makes no sense."""

    encoder: str = option("nano", choices=tuple(PRESETS), help="Size of an encoder that is begun anew.")
    start: str = option("", metavar="FILE", help="The encoder file to begin from. Default: an untrained encoder.")
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
    training: DeviceTraining = group(DeviceTraining)
    population: PopulationConfig = group(PopulationConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.check_ins and self.check_ins < self.training.cohort:
            raise ConfigError(
                f"check-ins must be 0 or at least the cohort, {self.training.cohort}; got {self.check_ins}"
            )

    @property
    def rounds(self) -> RoundsConfig:
        """As the server's app takes it."""
        training = self.training
        return RoundsConfig(
            seed=self.seed,
            rounds=training.rounds,
            cohort=training.cohort,
            over_sampling=training.over_sampling,
            deadline_seconds=training.deadline_seconds,
            aggregation=training.aggregation,
            server_learning_rate=training.server_learning_rate,
            server_momentum=training.server_momentum,
            moments=False,
            robust="none",
            evaluate_every=0,
            local=LocalSettings(
                steps=training.local_steps,
                encoder_rate=training.local_rate,
                negatives=training.negatives,
                proximal=training.proximal,
                clip_norm=training.clip_norm,
                adapters=training.adapters,
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values by key."""
        return to_flat(self)
