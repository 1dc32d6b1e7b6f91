"""How a recommender is fitted, and what competes to be served: how a received encoder may be used."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from client.data.folder_options import DataSettings, Preparation
from shared.errors import ConfigError
from shared.federation.config import LowRank
from shared.system.options import Checked, group, option

if TYPE_CHECKING:
    from client.transfer.part_settings import PartSettings


Teacher = Literal["encoder", "stack"]
PANEL = "How the received encoder may be used"


@dataclass(frozen=True, kw_only=True)
class EncoderUse(Checked):
    """Of the methods that train here, ``model`` and ``knowledge``."""

    teacher: Teacher = option(
        "encoder",
        choices=get_args(Teacher),
        panel=PANEL,
        help="Who teaches under knowledge: encoder (the tuned one) or stack.",
    )
    alignment: str = option(
        "off",
        panel=PANEL,
        help="While tuning: off, probe:WEIGHT, coral:WEIGHT or gate, all three compete.",
    )
    moments_weight: float = option(
        0.0,
        least=0,
        panel=PANEL,
        help="How often an own pair counts when model moves the encoder's linear part; 0: it stays.",
    )


def uses() -> tuple[str, ...]:
    """The methods that use a received encoder."""
    from client.transfer.table import METHODS, competing  # with torch, for which no other command shall wait

    return tuple(name for name in competing() if METHODS[name].origin == "received")


def _read_methods(_key: str, text: object) -> tuple[str, ...]:
    return tuple(name.strip() for name in str(text).split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class CompetingMethods(EncoderUse, LowRank):
    """The choice; raises ConfigError where a value makes no sense."""

    own: bool = option(
        True, help="The platform also trains an encoder alone, for the recommender that a received one must beat."
    )
    methods: tuple[str, ...] = option(
        ("feature",),
        read=_read_methods,
        write=",".join,
        panel=PANEL,
        help="With commas: feature (as it came), model (tuned here), knowledge (it teaches a smaller one). The last "
        "two are trained here, which takes as long again. The gate chooses among them and what was served before.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        known = uses()
        wrong = [repr(method) for method in self.methods if method not in known]
        wrong += [f"{method!r} twice" for method in known if self.methods.count(method) > 1]
        if wrong or not self.methods:
            fault = wrong[0] if wrong else "none"
            raise ConfigError(f"methods must be one or more of {', '.join(known)}; got {fault}")
        self.parts(preset="")

    def parts(self, preset: str) -> "PartSettings":
        """How trained parts are made under a received encoder of ``preset``."""
        from client.transfer.part_settings import PartSettings, TuningSettings

        tuning = TuningSettings(rank=self.rank, moments_weight=self.moments_weight)
        return PartSettings(preset=preset, own=self.own, teacher=self.teacher, alignment=self.alignment, tuning=tuning)

    def names(self, *, took_part: bool) -> tuple[str, ...]:
        """The methods by their names in a verdict: an encoder that the platform helped to train is a federated one.

        Args:
            took_part: whether the platform helped to train the received encoder.

        Returns:
            The names, in the order in which reports show them.
        """
        from client.transfer.table import METHODS

        chosen = [METHODS[name] for name in uses() if name in self.methods]
        return tuple((took_part and method.after_rounds) or method.name for method in chosen)


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a recommender is fitted; the fields that are no options are those of the data that are fitted on."""

    preparation: Preparation = field(default_factory=Preparation)
    features: str = DataSettings.features
    """the feature space as ``item_features`` takes it"""
    seed: int = DataSettings.seed
    """of every random draw; for an encoder that the platform helped to train, the seed under which it did"""
    device: str = DataSettings.device
    """where encoders are trained and score: auto, cpu or cuda"""
    drawn_by_id: bool = False
    """whether users are drawn by their ids, as a private platform draws them for rounds"""
    took_part: bool = option(
        False,
        help="This platform helped to train the encoder, under the same seed and preparation: only the users who "
        "stayed out of that judge it.",
    )
    competing_methods: CompetingMethods = group(CompetingMethods)

    def __post_init__(self) -> None:
        if self.took_part and self.competing_methods.alignment != "off":
            raise ConfigError(
                "alignment holds a tuned encoder to one that others trained; this platform took part, so it must be "
                f"off; got {self.competing_methods.alignment!r}"
            )
