"""The share of devices that are available over a day: a cosine with its peak at night.

Bonawitz et al., "Towards Federated Learning at Scale: System Design" (MLSys 2019): over a day four times as many
devices take part at the best hour as at the worst one. Yang et al., "Applied Federated Learning: Improving Google
Keyboard Query Suggestions" (2018): devices are available mostly at night, by their own clock.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.config.population_config import AvailabilityOptions

HOUR = 3600.0
DAY = 24 * HOUR
_TURN = 2 * np.pi


class DailyCurve:
    """share(t) = mean · (1 + a · cos(2π (t − peak) / day)), with t by the device's clock.

    Args:
        options: mean, swing and peak.
    """

    def __init__(self, options: AvailabilityOptions) -> None:
        self.mean, self.amplitude = options.available_share, options.amplitude
        self.peak = options.peak_hour * HOUR

    def share(self, clock: ArrayLike) -> NDArray[np.float64]:
        """The share of devices that are available; ``clock``: seconds of the devices' own clock, of any day."""
        return np.asarray(self.mean * (1 + self.amplitude * np.cos(self._angle(clock))))

    def seconds_above(self, level: ArrayLike, clock: ArrayLike) -> NDArray[np.float64]:
        """How long the curve stays above a level.

        Args:
            level: shares, below that at ``clock``.
            clock: seconds of the devices' own clock.

        Returns:
            Seconds, in the common shape; inf where the curve never falls to the level.
        """
        swinging = max(self.amplitude, np.finfo(np.float64).tiny)
        cosine = (np.asarray(level) / self.mean - 1) / swinging
        falls_at = np.arccos(np.clip(cosine, -1, 1))  # between peak and trough
        seconds = (falls_at - self._angle(clock)) / _TURN * DAY
        return np.where(cosine < -1, np.inf, np.maximum(seconds, 0))

    def _angle(self, clock: ArrayLike) -> NDArray[np.float64]:
        """From the peak, from −π to π."""
        turns = (np.asarray(clock, np.float64) - self.peak) / DAY
        return np.asarray(_TURN * (turns - np.round(turns)))
