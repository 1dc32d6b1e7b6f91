"""Devices that are available by the hour of their day, in spells, and by habit.

Each device's time is cut into pieces, and each piece has a level between 0 and 1: the device is available while the
daily curve is above the level. Levels are uniform, so at any moment the share of available devices is what the curve
says. In a share ``habit`` of its pieces a device has its own level, which never changes; in others a drawn one. The
cuts lie at (k + u_k) · mean, u_k uniform: pieces of 0 to 2 means, at times that no two devices share. A spell lasts
over as many pieces as the device is available in; it ends at a cut, or where the curve falls below the level.

Everything is a hash of (seed, device, number of the piece), so any moment can be looked at first.
"""

import numpy as np
from numpy.typing import NDArray

from simulations.config.population_config import AvailabilityOptions
from simulations.devices.availability import Moments
from simulations.devices.daily_curve import HOUR, DailyCurve
from simulations.devices.draws import uniforms

Devices = NDArray[np.int64]
Pieces = NDArray[np.int64]
Floats = NDArray[np.float64]


class DailyAvailability:
    """An ``Availability`` by the hour of the day.

    Args:
        options: the curve, time zones, the pieces' mean length, habits.
        seed: of the population.
    """

    def __init__(self, options: AvailabilityOptions, seed: int) -> None:
        self.curve = DailyCurve(options)
        self._options, self._seed = options, seed
        self._mean = options.spell_hours * HOUR

    def clock(self, devices: Devices, now: Moments) -> Floats:
        """The time by the devices' own clocks.

        Args:
            devices: [k] their numbers.
            now: virtual time in seconds, UTC; one for all, or [k].

        Returns:
            [k] seconds.
        """
        zones = np.floor(uniforms(self._seed, "time zone", devices) * self._options.time_zones)
        return np.asarray(now - zones * HOUR)

    def is_available(self, devices: Devices, now: Moments) -> NDArray[np.bool_]:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            now: the same.

        Returns:
            [k].
        """
        share = self.curve.share(self.clock(devices, now))
        return np.asarray(self._level(devices, self._piece(devices, now)) < share)

    def spell_end(self, devices: Devices, start: Moments, latest: Floats) -> Floats:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            start: the same.
            latest: the same.

        Returns:
            [k] virtual time.
        """
        ends = np.broadcast_to(np.asarray(start, np.float64), devices.shape).copy()
        lasting = np.flatnonzero(self.is_available(devices, ends))
        pieces = self._piece(devices, ends)[lasting]
        while lasting.size:
            these = devices[lasting]
            falls = self.curve.seconds_above(self._level(these, pieces), self.clock(these, ends[lasting]))
            pieces = pieces + 1
            cuts = self._cut(these, pieces)
            ends[lasting] = np.minimum(ends[lasting] + falls, cuts)
            goes_on = self._level(these, pieces) < self.curve.share(self.clock(these, cuts))
            held = (ends[lasting] == cuts) & goes_on & (cuts <= latest[lasting])
            lasting, pieces = lasting[held], pieces[held]
        return np.where(ends > latest, np.inf, ends)

    def _cut(self, devices: Devices, piece: Pieces) -> Floats:
        """Where a piece begins, in seconds."""
        return (piece + uniforms(self._seed, "cut", devices, piece)) * self._mean

    def _piece(self, devices: Devices, now: Moments) -> Pieces:
        """The number of the piece that is under way."""
        latest = np.broadcast_to(np.floor(np.asarray(now) / self._mean).astype(np.int64), devices.shape)
        return np.asarray(latest - (now < self._cut(devices, latest)))

    def _level(self, devices: Devices, piece: Pieces) -> Floats:
        by_habit = uniforms(self._seed, "by habit", devices, piece) < self._options.habit
        drawn = uniforms(self._seed, "level", devices, piece)
        return np.where(by_habit, uniforms(self._seed, "habit", devices), drawn)
