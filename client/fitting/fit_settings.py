"""How a recommender is fitted."""

from dataclasses import dataclass, field

from client.data.preparation import Preparation
from client.fitting.contenders import Contenders
from shared.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a recommender is fitted."""

    preparation: Preparation = field(default_factory=Preparation)
    features: str = "hashing"
    """the feature space as ``item_features`` takes it"""
    seed: int = 0
    """of every random draw; for an encoder that the platform helped to train, the seed under which it did"""
    took_part: bool = False
    """whether the platform's contributing users helped to train the encoder"""
    contenders: Contenders = field(default_factory=Contenders)

    def __post_init__(self) -> None:
        if self.took_part and self.contenders.alignment != "off":
            raise ConfigError(
                "alignment holds a tuned encoder to one that others trained; this platform took part, so it must be "
                f"off; got {self.contenders.alignment!r}"
            )
