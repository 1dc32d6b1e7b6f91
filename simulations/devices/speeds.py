"""How fast devices compute and how fast their networks are: log-normal, with a share of slow devices.

Lai et al., "FedScale: Benchmarking Model and System Performance of Federated Learning at Scale" (ICML 2022), whose
speeds come from AI Benchmark (Ignatov et al. 2018) and MobiPerf: both differ between devices by more than an order of
magnitude, with a long tail.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.config.population_config import SpeedOptions
from simulations.devices.draws import normals, uniforms

BYTES_A_MBIT = 1e6 / 8


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceSpeeds:
    """Of k devices."""

    computing: NDArray[np.float64]
    """[k] times as fast as the median device"""
    download: NDArray[np.float64]
    """[k] Mbit/s"""
    upload: NDArray[np.float64]
    """[k] Mbit/s"""

    def seconds(self, work: ArrayLike, bytes_down: ArrayLike, bytes_up: ArrayLike) -> NDArray[np.float64]:
        """What a task takes: download, work and upload, one after another.

        Args:
            work: seconds that the median device would work; one for all, or [k].
            bytes_down: that each downloads; one for all, or [k].
            bytes_up: that each uploads; one for all, or [k].

        Returns:
            [k] seconds.
        """
        down = np.asarray(bytes_down) / (self.download * BYTES_A_MBIT)
        up = np.asarray(bytes_up) / (self.upload * BYTES_A_MBIT)
        return np.asarray(down + np.asarray(work) / self.computing + up)


def drawn_speeds(options: SpeedOptions, seed: int, devices: NDArray[np.int64]) -> DeviceSpeeds:
    """Speeds of devices.

    Args:
        options: medians, spreads, slow devices.
        seed: of the population.
        devices: [k] their numbers.

    Returns:
        Their speeds, which never change.
    """
    is_slow = uniforms(seed, "slow", devices) < options.slow_share
    factor = np.where(is_slow, 1 / options.slow_factor, 1.0)
    network = factor * np.exp(options.network_spread * normals(seed, "network", devices))
    return DeviceSpeeds(
        computing=factor * np.exp(options.computing_spread * normals(seed, "computing", devices)),
        download=options.download_mbit * network,
        upload=options.upload_mbit * network,
    )
