"""A platform folder turned into an SQLite database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl

SOURCE = "source.toml"
_SETTINGS = """url = "sqlite:///shop.db"
items = "SELECT item_id, text FROM items"
events = "SELECT rowid AS number, user_id, item_id, timestamp FROM events"
watermark = "number"
chunk-rows = 100
"""


def into_sqlite(folder: Path) -> Path:
    """Replace the folder's tables by a database and its source's file, which is returned."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        for name in ("items", "events"):
            table = pl.read_parquet(folder / f"{name}.parquet")
            database.execute(f"CREATE TABLE {name} ({', '.join(table.columns)})")
            marks = ", ".join("?" * table.width)
            database.executemany(f"INSERT INTO {name} VALUES ({marks})", table.iter_rows())  # noqa: S608
            (folder / f"{name}.parquet").unlink()
    (folder / SOURCE).write_text(_SETTINGS, "utf-8")
    return folder / SOURCE
