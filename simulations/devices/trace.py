"""A trace: when devices were available, as a file said it, and how fast they are.

A trace of V devices serves a population of any size: device d does as the trace's device d mod V does. After its last
whole day it begins again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.devices.availability import Moments

Devices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """The spells of V devices, an ``Availability``. Spells of a device are in order and do not touch."""

    offsets: NDArray[np.int64]
    """[V + 1] of the devices' spells"""
    starts: Floats
    """[S] seconds from the start"""
    ends: Floats
    """[S] seconds, not among the spell"""
    period: float
    """seconds after which it begins again"""
    began: float
    """virtual time of the start, in seconds"""
    computing: Floats | None
    """[V] times as fast as the median device; None: the file does not say"""
    download: Floats | None
    """[V] Mbit/s; None: the file does not say"""
    upload: Floats | None
    """[V] Mbit/s; None: the file does not say"""

    @property
    def devices(self) -> int:
        """V, how many devices the trace has."""
        return self.offsets.size - 1

    def is_available(self, devices: Devices, now: Moments) -> NDArray[np.bool_]:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            now: the same.

        Returns:
            [k].
        """
        rows = devices % self.devices
        moments = np.broadcast_to((np.asarray(now) - self.began) % self.period, rows.shape)
        return self._is_in(rows, self._spell(rows, moments), moments)

    def spell_end(self, devices: Devices, start: Moments, latest: Floats) -> Floats:
        """As of ``Availability``.

        Args:
            devices: as of ``Availability``.
            start: the same.
            latest: the same.

        Returns:
            [k] virtual time.
        """
        rows = devices % self.devices
        moments = np.broadcast_to((np.asarray(start) - self.began) % self.period, rows.shape)
        spells = self._spell(rows, moments)
        available = self._is_in(rows, spells, moments)
        ends = np.where(available, start + self._whole_end(rows, spells) - moments, start)
        return np.where(ends > latest, np.inf, ends)

    def _whole_end(self, rows: Devices, spells: NDArray[np.int64]) -> Floats:
        """The ends of spells, with what follows where the trace begins again: seconds, inf for never."""
        firsts = self.offsets[rows]
        goes_on = (self.ends[spells] == self.period) & (self.starts[firsts] == 0)
        follows = np.where(spells == firsts, np.inf, self.ends[firsts])
        return self.ends[spells] + np.where(goes_on, follows, 0)

    def _is_in(self, rows: Devices, spells: NDArray[np.int64], moments: Floats) -> NDArray[np.bool_]:
        return np.asarray((spells >= self.offsets[rows]) & (moments < self.ends[spells]))

    def _spell(self, rows: Devices, moments: Floats) -> NDArray[np.int64]:
        """The last spell that has begun, by bisection; below the device's first one where none has."""
        low, high = self.offsets[rows], self.offsets[rows + 1]
        while (low < high).any():
            middle = (low + high) // 2
            has_begun = (low < high) & (self.starts[np.minimum(middle, self.starts.size - 1)] <= moments)
            low, high = np.where(has_begun, middle + 1, low), np.where(has_begun, high, np.minimum(middle, high))
        return low - 1
