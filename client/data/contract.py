"""The data contract: what a platform folder holds, and reading it into memory.

A platform folder:

- ``items.parquet``: item_id (integer or string, unique), text, optional category and further columns,
  optionally ``vector`` (a list column of one length); or a file ``item_vectors.npy`` [items, D] in row order.
- ``events.parquet``: user_id, item_id, timestamp, optional rating.
- ``impressions.parquet`` (optional): user_id, timestamp, history, candidates, labels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class PlatformFolder:
    """A platform folder as read, nothing filtered yet."""

    path: Path
    items: pl.DataFrame
    """item_id, text (never null), and whatever further columns the folder has; row order as in the file."""
    events: pl.DataFrame
    """user_id, item_id, timestamp, rating (1.0 where the folder has none)."""
    impressions: pl.DataFrame | None
    """user_id, timestamp, history, candidates, labels; None where the folder has no such file."""
    vectors: NDArray[np.float32] | None
    """[items, D] in the order of ``items``, or None."""
