"""By what the devices' part of a run is done."""

from dataclasses import dataclass
from typing import Literal

from shared.errors import ConfigError
from shared.system.options import Checked, option

Engine = Literal["here", "processes", "ray"]
ENGINES: tuple[Engine, ...] = ("here", "processes", "ray")


@dataclass(frozen=True, kw_only=True)
class EngineOptions(Checked):
    """What comes out does not depend on them."""

    engine: Engine = option(
        "here",
        choices=ENGINES,
        help="What trains the devices: this process; several processes of this machine; or workers of a Ray cluster.",
    )
    workers: int = option(
        0, least=0, help="How many do so at once, each with one thread; 0: one for each core, of the cluster's for ray."
    )
    address: str = option(
        "", metavar="ADDRESS", help="Of the Ray cluster, host:port. Default: one is started on this machine."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine == "here" and self.workers > 1:
            raise ConfigError(f"engine here has one worker; found workers {self.workers}")
        if self.engine != "ray" and self.address:
            raise ConfigError(f"address is of a Ray cluster: expected engine ray; found {self.engine}")
