"""Into which chunks the devices of a round are cut: a function of how long their histories are, and of nothing else.

A chunk is worked on at once, by whoever does the work, so its numbers do not depend on who that is.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shared.encoder.presets import Preset
from shared.system.device import CPU, Device

BYTES_AT_ONCE = {CPU: 32e6, "cuda": 2e9}
"""of what a step keeps for its gradient: what lies near the processor, and what fills a GPU"""
WIDTHS = (1, 2, 4, 8, 16)
"""Longest histories of a bucket, in positions; the last bucket takes the encoder's longest."""


def cohort_chunks(
    events: NDArray[np.int64], preset: Preset, negatives: int, device: Device = CPU
) -> Iterator[NDArray[np.int64]]:
    """Cut a cohort.

    Args:
        events: [K] training events of each device.
        preset: of the encoder.
        negatives: items drawn per step.
        device: where the work is done.

    Yields:
        Rows of devices whose histories are about as long, in their order, as many as lie in memory at once. Who has
        fewer than two events does not train, and is in none. A chunk that is cut again stays whole.
    """
    positions = np.minimum(events - 1, preset.length)
    widths = bucket_widths(preset)
    buckets = np.where(positions > 0, np.searchsorted(widths, positions), -1)
    for bucket, width in enumerate(widths):
        rows = np.flatnonzero(buckets == bucket)
        at_once = max(1, int(BYTES_AT_ONCE[device] / (4 * kept_numbers(preset, negatives, width))))
        for start in range(0, len(rows), at_once):
            yield rows[start : start + at_once]


def bucket_widths(preset: Preset) -> list[int]:
    """Longest histories of the buckets, in positions, the shortest first."""
    return [width for width in WIDTHS if width < preset.length] + [preset.length]


def kept_numbers(preset: Preset, negatives: int, width: int) -> int:
    """About how many numbers a step keeps for one device's gradient.

    Args:
        preset: of the encoder.
        negatives: items drawn per step.
        width: positions of the history.

    Returns:
        The number.
    """
    item_rows = width + 1 + negatives
    numbers = 3 * item_rows * (preset.hidden + 2 * preset.width) + 3 * width * negatives
    return numbers + 12 * width * preset.width * preset.layers
