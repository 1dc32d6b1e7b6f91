"""Two runs compared by user: what is paired, what is said, what is refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from shared.errors import DataError
from shared.seeding import rng_for
from simulations.report.comparison import COLUMNS, compare, heading, markdown_comparison, rich_comparison
from tests.rules.test_documents import MOST_COLUMNS
from tests.unit.simulations.finished_runs import write_run

SHOP = {"platform": ["shop=data/shop"]}


def run(folder: Path, values: dict[tuple[str, str, int], Any], **options: Any) -> Path:
    return write_run(folder, values, **{"config": SHOP, **options})


def test_subtracts_the_first_from_the_second_user_by_user(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {("shop", "local", 0): [0.25, 0.5, 0.75]})
    second = run(tmp_path / "b", {("shop", "local", 0): [0.375, 0.625, 0.875]})
    (found,) = compare(first, second).methods
    assert (found.platform, found.method, found.seeds, found.users) == ("shop", "local", (0,), 3)
    assert (found.first, found.second) == (0.5, 0.625)
    # every user gains an eighth, so every resample does; a quarter of the first run's mean
    assert (found.difference.mean, found.difference.low, found.difference.high) == pytest.approx((0.125,) * 3)
    assert found.lift is not None
    assert found.lift.mean == pytest.approx(25)


def test_agrees_with_a_bootstrap_that_draws_users_one_by_one(tmp_path: Path) -> None:
    rng = rng_for(1)
    before = rng.choice([0.0, 0.5, 1.0], size=400)
    after = np.clip(before + rng.choice([-0.5, 0.0, 0.5], size=400), 0, 1)
    first, second = (
        run(tmp_path / name, {("shop", "local", 0): values}) for name, values in (("a", before), ("b", after))
    )
    rows = rng_for(2).integers(0, 400, size=(4000, 400))
    drawn = (after - before)[rows].mean(axis=1)
    found = compare(first, second).methods[0].difference
    # the spread of a mean of 400 such differences is about .018; two bootstraps agree within a tenth of it or so
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.003)


def test_averages_a_users_seeds_first_and_takes_only_those_that_both_runs_have(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {("shop", "local", 0): [0.2, 0.4], ("shop", "local", 1): [0.4, 0.2]})
    second = run(
        tmp_path / "b",
        {("shop", "local", 0): [0.4, 0.4], ("shop", "local", 1): [0.4, 0.4], ("shop", "local", 2): [0.9, 0.9]},
    )
    (found,) = compare(first, second).methods
    assert found.seeds == (0, 1)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.1, 0.1))


def test_gives_no_percentage_of_nothing(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {("shop", "local", 0): [0.0, 0.0]})
    second = run(tmp_path / "b", {("shop", "local", 0): [0.5, 0.0]})
    assert compare(first, second).methods[0].lift is None


def test_names_what_changed_and_what_only_one_run_has(tmp_path: Path) -> None:
    values = {("shop", "local", 0): [0.5], ("shop", "model", 0): [0.5]}
    first = run(tmp_path / "a", values, config={**SHOP, "rounds": 4})
    second = run(
        tmp_path / "b", {("shop", "local", 0): [0.5], ("films", "local", 0): [0.5]}, config=SHOP | {"rounds": 9}
    )
    found = compare(first, second)
    assert found.changed == {"rounds": (4, 9)}
    assert (found.only_first, found.only_second) == (("shop model",), ("films local",))
    assert "changed: rounds from 4 to 9" in heading(found)
    assert "only in the second: films local" in heading(found)


def test_lets_the_fraction_of_training_users_differ(tmp_path: Path) -> None:
    values = {("shop", "local", 0): [0.5, 0.25]}
    first = run(tmp_path / "a", values)
    second = run(tmp_path / "b", values, config={"platform": ["shop=elsewhere/shop,fraction=0.2"]})
    assert compare(first, second).methods[0].users == 2


def test_takes_the_result_file_for_its_folder(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {("shop", "local", 0): [0.5]})
    assert compare(first / "result.json", first).first == first


REFUSED = {
    "no common platform": (
        {("films", "local", 0): [0.5, 0.5]},
        {},
        "the two runs must share a platform; the first has shop, the second films",
    ),
    "no common seed": (
        {("shop", "local", 7): [0.5, 0.5]},
        {},
        "must share a method under a common seed on a common platform; they share none",
    ),
    "another number of users": (
        {("shop", "local", 0): [0.5, 0.5, 0.5]},
        {},
        "platform 'shop' was prepared differently in the two runs: users 2 and 3",
    ),
    "another option": (
        {("shop", "local", 0): [0.5, 0.5]},
        {"config": {"platform": ["shop=data/shop,min-rating=4"]}},
        r"platform 'shop' was prepared differently in the two runs: min-rating None and 4.0",
    ),
    "another minimum of events": (
        {("shop", "local", 0): [0.5, 0.5]},
        {"config": {**SHOP, "min_item_events": 5}},
        "prepared differently in the two runs: min-item-events 1 and 5",
    ),
    "other events": ({("shop", "local", 0): [0.5, 0.5]}, {"events": 91}, "in the two runs: events 90 and 91"),
    "another kind of world": (
        {("shop", "local", 0): [0.5, 0.5]},
        {"synthetic": True},
        "must be the same in both runs; found a folder and an embedded world of seed 0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_runs_that_cannot_be_paired(tmp_path: Path, case: str) -> None:
    values, options, sentence = REFUSED[case]
    first = run(tmp_path / "a", {("shop", "local", 0): [0.5, 0.25]})
    second = run(tmp_path / "b", values, **options)
    with pytest.raises(DataError, match=sentence):
        compare(first, second)


def test_refuses_embedded_worlds_of_different_seeds(tmp_path: Path) -> None:
    values = {("shop", "local", 1): [0.5]}
    first, second = (run(tmp_path / str(seed), values, config={"seed": seed}, synthetic=True) for seed in (0, 1))
    with pytest.raises(DataError, match="an embedded world of seed 0 and an embedded world of seed 1"):
        compare(first, second)


def test_says_that_the_users_are_missing(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {("shop", "local", 0): [0.5]})
    (first / "per_user.parquet").unlink()
    with pytest.raises(DataError, match=r"must be the per_user.parquet of a run; it is missing or cannot be read"):
        compare(first, first)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_cuts_no_text_and_no_line(tmp_path: Path, width: int) -> None:
    values = {("amazon_industrial", method, 0): [0.25, 0.5] for method in ("local", "federated-model")}
    folder = write_run(tmp_path / "a", values, config={"platform": ["amazon_industrial=data/x"]})
    out = io.StringIO()
    Console(file=out, width=width).print(rich_comparison(compare(folder, folder), width))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out.getvalue()
    assert any("+0.0000 [+0.0000, +0.0000]" in line for line in lines)


def test_markdown_has_a_heading_and_every_column(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", {("shop", "local", 0): [0.5]}, complete=False)
    lines = markdown_comparison(compare(folder, folder)).splitlines()
    assert lines[0] == "NDCG@10, second minus first, by user, 95 % intervals; real folders; stopped before its end"
    heads = [line.strip("| ").split(" | ") for line in lines if line.startswith("| platform")]
    assert sorted({head for table in heads for head in table}) == sorted(COLUMNS)
    assert max(map(len, heads)) <= MOST_COLUMNS
    assert "| shop | local | 0.5000 | 0.5000 | +0.0000 [+0.0000, +0.0000] | +0.0 % [+0.0, +0.0] |" in lines
    assert lines[-1] == "| shop | local | 1 | 1 |"
