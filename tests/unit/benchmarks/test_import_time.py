"""The made table, and what both ways make of it."""

import sys
from pathlib import Path

import polars as pl
import pytest

from benchmarks.import_time import SCRIPT, make_table, measure


@pytest.mark.parametrize("ids", ["numbers", "texts"])
def test_makes_the_same_table_again(tmp_path: Path, ids: str) -> None:
    for name in ("one.csv", "two.csv"):
        make_table(tmp_path / name, 1000, ids)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert pl.read_csv(tmp_path / "one.csv").columns == ["user", "item", "rating", "time"]


def test_measures_a_process(tmp_path: Path) -> None:
    make_table(tmp_path / "one.csv", 1000, "texts")
    found = measure([sys.executable, "-c", SCRIPT, str(tmp_path / "one.csv"), str(tmp_path / "out.parquet")])
    assert pl.read_parquet(tmp_path / "out.parquet")["user"].is_sorted()
    assert found.cpu > 0
    assert 0.01 < found.peak < 2
    with pytest.raises(SystemExit, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"])
