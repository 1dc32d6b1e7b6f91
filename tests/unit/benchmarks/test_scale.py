"""The synthetic platforms of any size, and the table of what a fit costs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.scale import Cost, markdown, size_of
from benchmarks.scale_platform import Size, write_platform

SMALL = Size(users=300, items=400, events=6_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("scale")
    write_platform(out / "one", SMALL, seed=0)
    write_platform(out / "again", SMALL, seed=0)
    return out


def test_a_platform_is_as_large_as_was_asked_for_and_the_same_each_time(folder: Path) -> None:
    events = pl.read_parquet(folder / "one" / "events.parquet")
    assert events["user_id"].n_unique() == SMALL.users
    assert events.height == pytest.approx(SMALL.events, rel=0.05)
    assert events.equals(pl.read_parquet(folder / "again" / "events.parquet"))
    items = pl.read_parquet(folder / "one" / "items.parquet")
    assert items.height == SMALL.items
    assert {len(text.split()) for text in items["text"]} == {9}


def test_times_rise_within_a_user_and_few_items_have_most_events(folder: Path) -> None:
    events = pl.read_parquet(folder / "one" / "events.parquet")
    assert events.equals(events.sort("user_id", "timestamp", maintain_order=True))
    counts = np.sort(events["item_id"].value_counts()["count"].to_numpy())[::-1]
    assert counts[: SMALL.items // 10].sum() > 0.3 * events.height


def test_refuses_a_folder_that_is_there(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        write_platform(folder / "one", SMALL, seed=0)


@pytest.mark.parametrize("text", ["5000,5000", "a,b,c", "100,5,1000", "100,100,200"])
def test_refuses_sizes_that_make_no_platform(text: str) -> None:
    with pytest.raises(SystemExit, match="--size: expected"):
        size_of(text)


def test_the_table_has_a_line_for_each_build() -> None:
    parts = {"evaluate_seconds": 10.4, "fit_seconds": 7.6, "peak": 1.234, "ndcg": 0.12345, "head": 3.2}
    table = markdown([Cost(platform="p", build=build, **parts) for build in ("now", "before")])
    assert table.splitlines()[2:] == [f"| p, {build} | 10 | 8 | 1.23 | 0.1235 | 3 |" for build in ("now", "before")]
