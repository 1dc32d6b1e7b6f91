"""What Flower's engine is given in tests: a platform's folder, the folder that a bundle is made from, a run config."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[2]
USERS = 130
FIRST_USER = 8_800_000_000
"""ten digits, so that no other number in a file is taken for a user's id"""


def write_platform(folder: Path, *, seed: int, users: int = USERS, items: int = 30) -> None:
    """Users walk around one ring of items, whose texts name their neighbours."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    texts = [f"thing {row % 5} of shelf {row // 5} in shop {seed}" for row in range(items)]
    pl.DataFrame({"item_id": range(items), "text": texts}).write_parquet(folder / "items.parquet")
    starts, lengths = rng.integers(0, items, users), rng.integers(4, 9, users)
    user = np.repeat(np.arange(users), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    events = {
        "user_id": FIRST_USER + 1000 * seed + user,
        "item_id": (starts[user] + step) % items,
        "timestamp": 1_700_000_000 + step * 60,
    }
    pl.DataFrame(events).write_parquet(folder / "events.parquet")


def app_folder(tmp_path: Path) -> Path:
    """What a bundle is made from, in a folder whose name Flower takes."""
    folder = tmp_path / "graft"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("server", "client", "shared"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def toml(value: bool | float | int | str) -> str:
    """A plain value as TOML."""
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
