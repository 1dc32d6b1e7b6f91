"""What is trained for one platform under one seed; what two parts need is trained once."""

from collections.abc import Callable
from typing import Any, TypeVar

from client.features.prepared_platform import PreparedPlatform
from client.transfer.encoders import Encoders
from client.transfer.part_settings import PartSettings

Made = TypeVar("Made")


class PlatformParts:
    """All that a method makes its part from."""

    def __init__(self, prepared: PreparedPlatform, encoders: Encoders, settings: PartSettings, seed: int) -> None:
        self.prepared, self.encoders, self.settings, self.seed = prepared, encoders, settings, seed
        self._made: dict[str, Any] = {}

    def once(self, what: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives at the first call under this name."""
        if what not in self._made:
            self._made[what] = make()
        found: Made = self._made[what]
        return found
