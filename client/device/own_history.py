"""What a device's user met, as rows of a pack's catalogue."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class OwnHistory:
    """L events on items that the catalogue has, oldest first."""

    items: NDArray[np.int64]
    """[L]"""
    times: NDArray[np.float64]
    """[L] seconds since 1970; NaN where nobody knows"""
    turned_down: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """items that the user does not want"""
