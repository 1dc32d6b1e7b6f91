"""A run as CSV tables."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from shared.errors import ConfigError, DataError
from simulations.cli.main import app
from simulations.report.export import export_csv
from tests.unit.simulations.finished_runs import write_run

VALUES = {
    ("shop", "local", 0): [0.25, 0.75],
    ("shop", "local", 1): [0.0, 0.0],
    ("shop", "feature", 0): [0.5, 1.0],
    ("shop", "feature", 1): [0.5, 0.5],
    ("films", "popularity", 0): [0.125],
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", VALUES, served={("shop", 0): "feature", ("shop", 1): "local"})


def test_writes_a_row_for_each_platform_method_and_seed(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "figures.csv"
    assert export_csv(run, file) == (file,)
    table = pl.read_csv(file)
    rows = table.select("platform", "method", "seed", "ndcg@10", "mrr", "lift", "served").rows()
    # lifts over local: .75 / .5 is half more; nothing is a percentage of 0; local is not compared with itself
    assert rows == [
        ("shop", "local", 0, 0.5, 0.25, None, "feature"),
        ("shop", "local", 1, 0.0, 0.0, None, "local"),
        ("shop", "feature", 0, 0.75, 0.375, 50.0, "feature"),
        ("shop", "feature", 1, 0.5, 0.25, None, "local"),
        ("films", "popularity", 0, 0.125, 0.0625, None, None),
    ]
    assert table["recall@10"].to_list() == [1.0, 0.0, 1.0, 1.0, 1.0]
    assert set(table["validation"]) == {0.125}
    assert table.filter(pl.col("platform") == "shop")["test_users"].unique().to_list() == [2]


def test_writes_both_tables_into_a_folder(run: Path, tmp_path: Path) -> None:
    written = export_csv(run, tmp_path / "tables")
    assert [file.name for file in written] == ["methods.csv", "users.csv"]
    users = pl.read_csv(tmp_path / "tables" / "users.csv")
    assert users.equals(pl.read_parquet(run / "per_user.parquet"))


def test_prints_the_files_as_json(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    done = CliRunner().invoke(app, ["export", str(run), "--csv", str(folder), "--json"])
    assert json.loads(done.stdout) == {"files": [str(folder / "methods.csv"), str(folder / "users.csv")]}


def test_writes_the_names_of_columns_where_nothing_was_ready(tmp_path: Path) -> None:
    export_csv(write_run(tmp_path / "run", {}), tmp_path / "tables")
    assert (tmp_path / "tables" / "methods.csv").read_text().startswith("platform,method,seed,ndcg@10,recall@10,")
    assert (tmp_path / "tables" / "users.csv").read_text() == "platform,method,seed,user,ndcg@10\n"


def test_replaces_a_table_that_is_there(run: Path, tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text("old")
    export_csv(run, tmp_path / "figures.csv")
    assert pl.read_csv(tmp_path / "figures.csv").height == len(VALUES)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "figures.csv"}


def test_refuses_a_folder_that_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a readable result.json"):
        export_csv(tmp_path, tmp_path / "figures.csv")


def test_refuses_a_place_that_cannot_be_written(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="csv must be a file that can be written, or a folder"):
        export_csv(run, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
