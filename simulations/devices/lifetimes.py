"""From when to when devices exist: they join at the start, with their first event or at drawn times, and may leave."""

import numpy as np
from numpy.typing import NDArray

from shared.errors import ConfigError
from simulations.config.population_config import LifetimeOptions
from simulations.devices.availability import Moments
from simulations.devices.daily_curve import DAY
from simulations.devices.draws import uniforms


class Lifetimes:
    """The lifetimes of devices.

    Args:
        options: how they join and how long they stay.
        seed: of the population.
        began: virtual time of the start, in seconds.
        first_events: [U] virtual time of each device's first event, in seconds; None: nobody knows.

    Raises:
        ConfigError: if devices join at their first events, and nobody knows them.
    """

    def __init__(
        self, options: LifetimeOptions, seed: int, began: float, first_events: NDArray[np.float64] | None
    ) -> None:
        if options.joining == "first-event" and first_events is None:
            raise ConfigError("joining first-event needs the times of events; this population has none")
        self._options, self._seed, self._began = options, seed, began
        self._first_events = first_events

    def joins(self, devices: NDArray[np.int64]) -> NDArray[np.float64]:
        """When devices, by their numbers [k], begin to exist: [k] virtual time in seconds."""
        if self._options.joining == "drawn":
            return self._began + uniforms(self._seed, "joining", devices) * self._options.joining_days * DAY
        if self._options.joining == "first-event" and self._first_events is not None:
            return np.asarray(self._first_events[devices], np.float64)
        return np.full(devices.shape, self._began)

    def leaves(self, devices: NDArray[np.int64]) -> NDArray[np.float64]:
        """When devices, by their numbers [k], leave for good: [k] virtual time in seconds, inf for never."""
        if self._options.staying_days == 0:
            return np.full(devices.shape, np.inf)
        stay = -np.log(uniforms(self._seed, "leaving", devices)) * self._options.staying_days * DAY
        return self.joins(devices) + stay

    def exist(self, devices: NDArray[np.int64], now: Moments) -> NDArray[np.bool_]:
        """Whether devices exist.

        Args:
            devices: [k] their numbers.
            now: virtual time in seconds; one for all, or [k].

        Returns:
            [k].
        """
        return np.asarray((self.joins(devices) <= now) & (now < self.leaves(devices)))
