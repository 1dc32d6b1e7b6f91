"""A finished run as CSV tables for other programs; their columns are in docs/result-format.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from client.ensemble.candidates import LOCAL
from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import write_whole
from simulations.results.result_document import RESULT_FILE, read_result, read_users

METHODS_FILE = "methods.csv"
USERS_FILE = "users.csv"

METRICS = ("ndcg@10", "recall@10", "mrr", "coverage@10")
_COUNTS = ("users", "items", "events", "train_users", "test_users")
SCHEMA: dict[str, pl.DataType] = {
    "platform": pl.String(),
    "method": pl.String(),
    "seed": pl.Int64(),
    **{metric: pl.Float64() for metric in METRICS},
    "validation": pl.Float64(),
    "lift": pl.Float64(),
    "served": pl.String(),
    **{count: pl.Int64() for count in _COUNTS},
}
"""Column of the methods' table to its type."""


def export_csv(run: Path, to: Path) -> tuple[Path, ...]:
    """Write a run's tables and return the files.

    Args:
        run: the folder of a run.
        to: a file whose name ends in ``.csv`` for the methods' table alone, or else a folder for both tables.

    Raises:
        DataError: if ``run`` holds no result.
        ConfigError: if ``to`` cannot be written.
    """
    tables = {METHODS_FILE: methods_table(read_result(run / RESULT_FILE))}
    files = {METHODS_FILE: to}
    if to.suffix.lower() != ".csv":
        tables[USERS_FILE] = read_users(run)
        files = {name: to / name for name in tables}
    with os_error_as(ConfigError, f"csv must be a file that can be written, or a folder; {to}"):
        for name, file in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, tables[name].write_csv().encode("utf-8"))
    return tuple(files.values())


def methods_table(document: Mapping[str, Any]) -> pl.DataFrame:
    """One row for each platform, method and seed, from what ``result.json`` holds."""
    rows = [row for name, entry in document["platforms"].items() for row in _platform_rows(name, entry)]
    return pl.DataFrame(rows, schema=SCHEMA)


def _platform_rows(platform: str, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    counts = {count: entry[count] for count in _COUNTS}
    served = {verdict["seed"]: verdict["served"] for verdict in entry["gate"]}
    local = _by_seed(entry["methods"].get(LOCAL))
    for method, method_entry in entry["methods"].items():
        validation = method_entry["tuned"].get("validation", [])
        for row, (seed, ndcg) in enumerate(_by_seed(method_entry).items()):
            yield {
                "platform": platform,
                "method": method,
                "seed": seed,
                **{metric: method_entry["per_seed"][metric][row] for metric in METRICS},
                "validation": validation[row] if validation else None,
                "lift": 100 * (ndcg / local[seed] - 1) if method != LOCAL and local.get(seed) else None,
                "served": served.get(seed),
                **counts,
            }


def _by_seed(method_entry: Mapping[str, Any] | None) -> dict[int, float]:
    """Seed to NDCG@10."""
    return (
        {}
        if method_entry is None
        else dict(zip(method_entry["per_seed"]["seed"], method_entry["per_seed"]["ndcg@10"], strict=True))
    )
