"""What competes to be served on a platform beside its local recommender: how a received encoder may be used."""

from dataclasses import dataclass, field

from client.transfer.feature import FEATURE
from client.transfer.part_settings import PartSettings, TuningSettings
from client.transfer.table import METHODS, competing
from shared.errors import ConfigError

USES = tuple(name for name in competing() if METHODS[name].origin == "received")
"""The methods that use a received encoder."""


@dataclass(frozen=True, kw_only=True)
class Contenders:
    """The choice; raises ConfigError where a value makes no sense."""

    own: bool = True
    """whether ``local`` may hold an encoder that the platform trains alone"""
    methods: tuple[str, ...] = (FEATURE.name,)
    """of ``USES``; the gate chooses among them and what was served before"""
    teacher: str = "encoder"
    """of ``knowledge``, as ``PartSettings`` takes it"""
    alignment: str = "off"
    """while the encoder is tuned, as ``PartSettings`` takes it"""
    tuning: TuningSettings = field(default_factory=TuningSettings)

    def __post_init__(self) -> None:
        unknown = [method for method in self.methods if method not in USES]
        if unknown or not self.methods:
            found = repr(unknown[0]) if unknown else "none"
            raise ConfigError(f"methods must be one or more of {', '.join(USES)}; got {found}")
        self.parts(preset="")

    def parts(self, preset: str) -> PartSettings:
        """How trained parts are made under a received encoder of ``preset``."""
        return PartSettings(
            preset=preset, own=self.own, teacher=self.teacher, alignment=self.alignment, tuning=self.tuning
        )

    def names(self, *, took_part: bool) -> tuple[str, ...]:
        """The methods by their names in a verdict: an encoder that the platform helped to train is a federated one."""
        chosen = [METHODS[name] for name in USES if name in self.methods]
        return tuple((took_part and method.after_rounds) or method.name for method in chosen)
