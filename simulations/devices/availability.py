"""When devices are available: what every model of it says."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Moments = float | NDArray[np.float64]


class Availability(Protocol):
    """Which devices are available at a moment, and until when they stay so."""

    def is_available(self, devices: NDArray[np.int64], now: Moments) -> NDArray[np.bool_]:
        """Whether devices are available.

        Args:
            devices: [k] their numbers.
            now: virtual time in seconds; one for all, or [k].

        Returns:
            [k].
        """

    def spell_end(self, devices: NDArray[np.int64], start: Moments, latest: NDArray[np.float64]) -> NDArray[np.float64]:
        """When the spells end in which devices are available.

        Args:
            devices: [k] their numbers.
            start: virtual time in seconds at which the spells are under way; one for all, or [k].
            latest: [k] virtual time up to which that is asked for.

        Returns:
            [k] virtual time; ``start`` where a device is not available then, inf for an end after ``latest``.
        """


class AlwaysAvailable:
    """Every device at every moment."""

    def is_available(self, devices: NDArray[np.int64], now: Moments) -> NDArray[np.bool_]:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            now: the same.

        Returns:
            [k] true.
        """
        return np.ones(np.broadcast_shapes(devices.shape, np.shape(now)), np.bool_)

    def spell_end(self, devices: NDArray[np.int64], start: Moments, latest: NDArray[np.float64]) -> NDArray[np.float64]:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            start: the same.
            latest: the same.

        Returns:
            [k] inf.
        """
        return np.full(np.broadcast_shapes(devices.shape, np.shape(start), latest.shape), np.inf)
