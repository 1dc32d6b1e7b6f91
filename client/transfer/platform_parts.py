"""What a platform's methods start from: the encoders that came to it, and what is trained there under one seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings
from client.features.prepared_platform import PreparedPlatform
from client.scorers.table import SCORERS, ScorerTable
from client.transfer.part_settings import PartSettings
from shared.encoder.encoder import Encoder

Origin = Literal["federated", "own", "pooled", "previous", "received"]
"""What a method starts from: the encoder after federated rounds, nothing but the platform's own events, an encoder
trained on all platforms' users in one place, the encoder served until now, or one that another platform pretrained."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReceivedEncoder:
    """An encoder, and what is known of its making."""

    encoder: Encoder
    seen: bool
    """whether the platform's contributing users helped to make it"""
    released: Mapping[str, Any] = field(default_factory=dict)
    """calibration of its source's scorers, by column, as JSON values; empty where it is not known"""
    origin: str = ""
    """digest of the encoder of which this may be a tuned form; known of the one that is served"""

    def unseen(self, platform: Platform) -> NDArray[np.int64]:
        """Rows of the training users whom it has not seen."""
        return unseen_by_rounds(platform) if self.seen else platform.training_users


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """By origin; None where no method needs it."""

    received: ReceivedEncoder | None = None
    federated: ReceivedEncoder | None = None
    pooled: ReceivedEncoder | None = None
    previous: ReceivedEncoder | None = None
    item_moments: Mapping[str, Any] = field(default_factory=dict)
    """of the source's catalogue, as JSON values; empty where it is too small to tell"""

    def of(self, origin: Origin) -> ReceivedEncoder | None:
        """The encoder of this origin, if there is one."""
        found: ReceivedEncoder | None = getattr(self, origin, None)
        return found


def unseen_by_rounds(platform: Platform) -> NDArray[np.int64]:
    """Rows of the training users whom an encoder has not seen that this platform took part in making."""
    return platform.weighting_users if platform.contributes else platform.training_users


Made = TypeVar("Made")


class PlatformParts:
    """All that a method makes its part from."""

    def __init__(
        self,
        prepared: PreparedPlatform,
        encoders: Encoders,
        settings: PartSettings,
        seed: int,
        scorers: ScorerTable = SCORERS,
        ensemble: EnsembleSettings = DEFAULT,
    ) -> None:
        """``scorers`` and ``ensemble`` are those of a stack that teaches."""
        self.prepared, self.encoders, self.settings, self.seed = prepared, encoders, settings, seed
        self.scorers, self.ensemble = scorers, ensemble
        self._made: dict[str, Any] = {}

    def once(self, what: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives at the first call under this name."""
        if what not in self._made:
            self._made[what] = make()
        found: Made = self._made[what]
        return found
