"""A tiny platform folder whose users walk along related items, for tests that run whole commands."""

from pathlib import Path

import numpy as np
import polars as pl

N_ITEMS, N_USERS = 60, 240
BEGIN = 1_600_000_000
"""Unix seconds of the first event."""


def write_tiny_folder(path: Path, users: int = N_USERS) -> Path:
    """Items in groups of ten share a word; a user takes small steps forward from a random item."""
    rng = np.random.default_rng(11)
    lengths = rng.integers(5, 9, users)
    who = np.repeat(np.arange(users), lengths)
    steps = rng.integers(1, 4, len(who))
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    walked = np.cumsum(steps)
    items = (walked - np.repeat(walked[first] - rng.integers(0, N_ITEMS, users), lengths)) % N_ITEMS
    path.mkdir(parents=True)
    texts = [f"group{item // 10} item{item}" for item in range(N_ITEMS)]
    pl.DataFrame({"item_id": np.arange(N_ITEMS), "text": texts}).write_parquet(path / "items.parquet")
    events = pl.DataFrame({"user_id": who, "item_id": items, "timestamp": BEGIN + np.arange(len(who))})
    events.write_parquet(path / "events.parquet")
    return path
