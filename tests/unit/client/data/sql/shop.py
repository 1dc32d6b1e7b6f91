"""A shop's database, and the file that describes it."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

EVENTS = "SELECT customer AS user_id, sku AS item_id, at AS timestamp, stars AS rating, id FROM purchases"
ITEMS = "SELECT sku AS item_id, title || ' by ' || maker AS text, kind AS category FROM products;"
SETTINGS = {"url": "sqlite:///shop.db", "items": ITEMS, "events": EVENTS, "watermark": "id"}
PRODUCTS = [(f"sku-{number}", f"thing {number}", "ACME", f"kind {number % 3}") for number in range(12)]
PURCHASES = [
    (row, f"user-{row // 4}", f"sku-{(row // 4 + row % 4) % 12}", 1_700_000_000 + row, 5.0) for row in range(240)
]
TABLES = (
    "CREATE TABLE products (sku text, title text, maker text, kind text)",
    "CREATE TABLE purchases (id integer, customer text, sku text, at bigint, stars double precision)",
)
NEW_PRODUCT = "INSERT INTO products VALUES (?, ?, ?, ?)"
NEW_PURCHASE = "INSERT INTO purchases VALUES (?, ?, ?, ?, ?)"


def write_shop(folder: Path, **changes: object) -> Path:
    """An SQLite database in the folder, and its source's file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        for table in TABLES:
            database.execute(table)
        database.executemany(NEW_PRODUCT, PRODUCTS)
        database.executemany(NEW_PURCHASE, PURCHASES)
    return write_source(folder, **changes)


def write_source(folder: Path, **changes: object) -> Path:
    """``folder/shop.toml``."""
    lines = [f"{name} = {_toml(value)}" for name, value in {**SETTINGS, **changes}.items() if value is not None]
    path = folder / "shop.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def change(folder: Path, statement: str, rows: Sequence[Sequence[object]] = ((),)) -> None:
    """Run a statement on the database, once for each row."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.executemany(statement, rows)


def files_holding(folder: Path, text: str) -> Iterator[Path]:
    """Files whose bytes hold the text."""
    for place, _, names in os.walk(folder):
        for name in names:
            if text.encode("utf-8") in (Path(place) / name).read_bytes():
                yield Path(place) / name


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"""{value}"""'
