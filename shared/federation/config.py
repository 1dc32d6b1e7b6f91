"""The configuration of a federated run, which both sides read the same way."""

import re
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal, Self, get_args

from shared.errors import ConfigError

Strategy = Literal["fedavg", "fedavgm", "fedadam"]
Weighting = Literal["uniform", "sqrt-users", "helpfulness"]
Downloads = Literal["whole", "steps"]
Updates = Literal["whole", "steps"]
FlatConfig = dict[str, bool | float | int | str]

_LORA = re.compile(r"lora:([1-9][0-9]{0,2})")


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """How a platform trains in one round; what the server may ask for, and no more."""

    head_epochs: int = 1
    """passes that train the head alone, the encoder frozen"""
    encoder_epochs: int = 4
    """passes that train the encoder alone, the head frozen (FedRep; Collins et al. 2021)"""
    head_rate: float = 1e-2
    encoder_rate: float = 2e-3
    tokens: int = 2048
    """positions per step"""
    steps: int = 10
    """most steps of a pass: a round takes about as long everywhere, and nobody's update is long for his size alone"""
    negatives: int = 1024
    """uniform draws per step where the catalogue is too large for the full softmax"""
    proximal: float = 0.01
    """μ of the pull μ/2 ‖θ − θ_received‖² on the encoder (FedProx; Li et al. 2020)"""
    clip_norm: float = 0.0
    """longest update sent; 0 sets no limit"""
    dropout: float = 0.1
    id_dropout: float = 0.7
    """share of items per step that are seen by their content alone: what travels must do without ids"""
    adapters: str = "none"
    """``lora:RANK``: a low-rank adapter with the most of what changed travels; ``none``: the encoder itself"""
    updates: Updates = "whole"
    """how an encoder that was trained travels: whole, or as a byte a number of what changed"""

    def __post_init__(self) -> None:
        for name in ("head_epochs", "encoder_epochs", "proximal", "clip_norm"):
            _require(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("head_rate", "encoder_rate"):
            _require(self, name, getattr(self, name) > 0, "above 0")
        for name in ("tokens", "steps", "negatives"):
            _require(self, name, getattr(self, name) >= 1, "1 or more")
        for name in ("dropout", "id_dropout"):
            _require(self, name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        _require(self, "updates", self.updates in get_args(Updates), f"one of {', '.join(get_args(Updates))}")
        adapted = adapter_rank(self.adapters) > 0
        _require(self, "updates", not adapted or self.updates == "whole", "whole where an adapter travels")

    @property
    def rank(self) -> int:
        """Of the adapter that is trained; 0 for none."""
        return adapter_rank(self.adapters)

    def to_flat(self) -> FlatConfig:
        """Kebab-case names with plain values."""
        return {_kebab(item.name): getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_flat(cls, flat: FlatConfig) -> Self:
        """The inverse of ``to_flat``; raises ConfigError for a missing, unknown or ill-typed key."""
        return cls(**_typed(cls, flat))


@dataclass(frozen=True, kw_only=True)
class RoundsConfig:
    """What the server does in a run."""

    seed: int = 0
    rounds: int = 12
    """training rounds after the moments round"""
    moments: bool = True
    """whether the linear part is solved anew from the platforms' moments"""
    ridge: float = 0.0
    """λ of the linear part, as a share of the mean eigenvalue; 0 takes the one that is usual for the number of pairs"""
    strategy: Strategy = "fedavg"
    weighting: Weighting = "uniform"
    """how much a platform's update counts: all the same, by the root of its users, or as its moments help the others"""
    server_rate: float = 1.0
    """step along the mean update; for fedadam the step per number (the paper's η; .001 to .01 is usual)"""
    server_momentum: float = 0.9
    """fedavgm's momentum and fedadam's β₁; fedavg has none"""
    min_platforms: int = 1
    """fewer usable replies leave the encoder as it is; fewer platforms online end the run"""
    require_all: bool = False
    """whether every round needs an answer of each platform online at the start; who was killed is asked again"""
    wait_seconds: float = 60.0
    """how long the server waits for the minimum of platforms"""
    deadline_seconds: float = 600.0
    """how long the server waits for replies; who is later loses this round"""
    evaluate_every: int = 1
    """evaluate after every so many training rounds, and after the last; 0 never evaluates"""
    downloads: Downloads = "whole"
    """what goes to a platform that holds an encoder of the run: the new one, or a byte a number of what changed"""
    final_rate: float = 0.1
    """share of the platforms' learning rates that is left in the last round, reached linearly"""
    local: LocalSettings = field(default_factory=LocalSettings)

    def __post_init__(self) -> None:
        _require(self, "strategy", self.strategy in get_args(Strategy), f"one of {', '.join(get_args(Strategy))}")
        _require(self, "weighting", self.weighting in get_args(Weighting), f"one of {', '.join(get_args(Weighting))}")
        _require(
            self, "weighting", self.moments or self.weighting != "helpfulness", "another one where no moments are sent"
        )
        _require(self, "downloads", self.downloads in get_args(Downloads), f"one of {', '.join(get_args(Downloads))}")
        for name in ("seed", "rounds", "ridge", "evaluate_every"):
            _require(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("server_rate", "wait_seconds", "deadline_seconds"):
            _require(self, name, getattr(self, name) > 0, "above 0")
        _require(self, "server_momentum", 0 <= self.server_momentum < 1, "at least 0 and below 1")
        _require(self, "final_rate", 0 < self.final_rate <= 1, "above 0 and at most 1")
        _require(self, "min_platforms", self.min_platforms >= 1, "1 or more")

    def local_in(self, number: int) -> LocalSettings:
        """How platforms train in the round of this number, from 1 on."""
        share = 1 - (1 - self.final_rate) * (number - 1) / max(1, self.rounds - 1)
        local = self.local
        return replace(local, head_rate=share * local.head_rate, encoder_rate=share * local.encoder_rate)

    def to_run_config(self) -> FlatConfig:
        """Flower's flat run config: kebab-case names, those of ``local`` under ``local-``."""
        own = {_kebab(item.name): getattr(self, item.name) for item in fields(self) if item.name != "local"}
        return {**own, **{f"local-{name}": value for name, value in self.local.to_flat().items()}}

    @classmethod
    def from_run_config(cls, flat: FlatConfig) -> Self:
        """The inverse of ``to_run_config``; raises ConfigError for an unknown or ill-typed key."""
        local = {name.removeprefix("local-"): value for name, value in flat.items() if name.startswith("local-")}
        own = {name: value for name, value in flat.items() if not name.startswith("local-")}
        return cls(**_typed(cls, own), local=LocalSettings.from_flat(local))


def adapter_rank(text: str) -> int:
    """RANK of ``lora:RANK``, 0 of ``none``; raises ConfigError for anything else."""
    if text == "none":
        return 0
    found = _LORA.fullmatch(text)
    if found is None:
        raise ConfigError(f"adapters must be none or lora:RANK with a RANK from 1 to 999; got {text!r}")
    return int(found[1])


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _require(config: Any, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{_kebab(name)} must be {expected}; got {getattr(config, name)!r}")


def _typed(cls: type[Any], flat: FlatConfig) -> dict[str, Any]:
    """The values by field name, whole numbers taken where a real one is expected."""
    kinds = {_kebab(item.name): type(item.default) for item in fields(cls) if item.default is not MISSING}
    if set(flat) != set(kinds):
        unknown, missing = sorted(set(flat) - set(kinds)), sorted(set(kinds) - set(flat))
        raise ConfigError(f"the run config has the unknown keys {unknown} and lacks {missing}")
    typed = {}
    for name, value in flat.items():
        exact = float(value) if kinds[name] is float and type(value) is int else value
        if type(exact) is not kinds[name]:
            raise ConfigError(f"{name} must be a {kinds[name].__name__}; got {value!r}")
        typed[name.replace("-", "_")] = exact
    return typed
