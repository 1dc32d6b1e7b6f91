"""What is trained for one platform under one seed; what two parts need is trained once."""

from collections.abc import Callable
from typing import Any, TypeVar

from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings
from client.features.prepared_platform import PreparedPlatform
from client.scorers.table import SCORERS, ScorerTable
from client.transfer.encoders import Encoders
from client.transfer.part_settings import PartSettings

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
