"""Small platform folders for the tests, sound unless a table is replaced."""

from pathlib import Path

import polars as pl

BEGIN = 1_600_000_000
"""Unix seconds from which times in these folders are counted."""
ITEMS = pl.DataFrame({"item_id": [10, 20, 30], "text": ["red hat", "blue hat", "shoe"]})
EVENTS = pl.DataFrame(
    {
        "user_id": [1, 1, 2],
        "item_id": [10, 20, 30],
        "timestamp": [BEGIN + 5, BEGIN + 6, BEGIN + 1],
        "rating": [4.0, 5.0, 1.0],
    }
)
IMPRESSIONS = pl.DataFrame(
    {"user_id": [1], "timestamp": [BEGIN + 7], "history": [[10, 20]], "candidates": [[30, 10]], "labels": [[1, 0]]}
)


def write_folder(
    path: Path,
    *,
    items: pl.DataFrame = ITEMS,
    events: pl.DataFrame = EVENTS,
    impressions: pl.DataFrame | None = None,
) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    items.write_parquet(path / "items.parquet")
    events.write_parquet(path / "events.parquet")
    if impressions is not None:
        impressions.write_parquet(path / "impressions.parquet")
    return path
