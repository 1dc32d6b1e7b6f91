"""How a recommender is fitted."""

from dataclasses import dataclass, field

from client.data.folder_options import DataSettings, Preparation
from client.fitting.contenders import Contenders
from shared.errors import ConfigError
from shared.system.options import group, option


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a recommender is fitted; the fields that are no options are those of the data that are fitted on."""

    preparation: Preparation = field(default_factory=Preparation)
    features: str = DataSettings.features
    """the feature space as ``item_features`` takes it"""
    seed: int = DataSettings.seed
    """of every random draw; for an encoder that the platform helped to train, the seed under which it did"""
    took_part: bool = option(
        False,
        help="This platform helped to train the encoder, under the same seed and preparation: only the users who "
        "stayed out of that judge it.",
    )
    contenders: Contenders = group(Contenders)

    def __post_init__(self) -> None:
        if self.took_part and self.contenders.alignment != "off":
            raise ConfigError(
                "alignment holds a tuned encoder to one that others trained; this platform took part, so it must be "
                f"off; got {self.contenders.alignment!r}"
            )
