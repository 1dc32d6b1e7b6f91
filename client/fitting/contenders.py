"""What competes to be served on a platform beside its local recommender: how a received encoder may be used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.transfer.encoder_use import PANEL, EncoderUse
from shared.errors import ConfigError
from shared.federation.config import LowRank
from shared.system.options import option

if TYPE_CHECKING:
    from client.transfer.model import TuningSettings
    from client.transfer.trained_parts import PartSettings

FEATURE, MODEL, KNOWLEDGE = METHODS = ("feature", "model", "knowledge")


def _read_methods(_key: str, text: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in str(text).split(",") if name.strip()))


@dataclass(frozen=True, kw_only=True)
class Contenders(EncoderUse, LowRank):
    """The choice; raises ConfigError where a value makes no sense."""

    own: bool = option(
        True, help="The platform also trains an encoder alone, for the recommender that a received one must beat."
    )
    methods: tuple[str, ...] = option(
        (FEATURE,),
        read=_read_methods,
        write=",".join,
        panel=PANEL,
        help="With commas: feature (as it came), model (tuned here), knowledge (it teaches a smaller one). The last "
        "two are trained here, which takes as long again. The gate chooses among them and what was served before.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = [method for method in self.methods if method not in METHODS]
        if unknown or not self.methods:
            found = repr(unknown[0]) if unknown else "none"
            raise ConfigError(f"methods must be one or more of {', '.join(METHODS)}; got {found}")
        self.parts(preset="")

    @property
    def tuning(self) -> "TuningSettings":
        """How a received encoder is tuned."""
        from client.transfer.model import TuningSettings  # with torch, for which no other command shall wait

        return TuningSettings(rank=self.rank, moments_weight=self.moments_weight)

    def parts(self, preset: str) -> "PartSettings":
        """How trained parts are made under a received encoder of ``preset``."""
        from client.transfer.trained_parts import PartSettings

        return PartSettings(preset=preset, teacher=self.teacher, alignment=self.alignment, tuning=self.tuning)

    def names(self, *, took_part: bool) -> tuple[str, ...]:
        """The methods by their names in a verdict: an encoder that the platform helped to train is a federated one."""
        named = {FEATURE: "federated", MODEL: "federated-model"} if took_part else {}
        return tuple(named.get(method, method) for method in METHODS if method in self.methods)
