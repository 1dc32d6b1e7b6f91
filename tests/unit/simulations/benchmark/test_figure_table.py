"""The page from a table of figures is the page from the cells."""

import json
import shutil

import polars as pl
import pytest

from shared.errors import DataError
from simulations.benchmark.cells import Grid, cell_folder, run_cells
from simulations.benchmark.federations import FEDERATIONS
from simulations.benchmark.figure_table import COLUMNS, read_figures, write_figures
from simulations.benchmark.figures import NDCG, Figure, Figures, Place, place_of
from simulations.benchmark.measure import measured_figures
from simulations.benchmark.page import page
from simulations.benchmark.pairs import PAIRS
from simulations.benchmark.run_figures import options_digest
from simulations.benchmark.three_way import THREE_WAYS
from simulations.results.result_document import RESULT_FILE
from tests.unit.simulations.benchmark.made_up import folders_of, made_up_run

ENTRIES = (*PAIRS[:2], FEDERATIONS[0], THREE_WAYS[0])


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The folder of finished cells, and their figures."""
    folder = tmp_path_factory.mktemp("cells")
    run_cells(ENTRIES, (0, 1), folders_of(folder / "data", ENTRIES), folder, lambda _: None, made_up_run)
    return folder, measured_figures(Grid(), folder)


def test_gives_back_every_figure_and_the_same_page(measured, tmp_path):
    _, figures = measured
    write_figures(figures, tmp_path / "figures.parquet")
    again = read_figures(tmp_path / "figures.parquet")
    assert again.rows == figures.rows
    assert page(again, Grid()) == page(figures, Grid())


def test_has_one_row_for_each_key_with_the_fraction_as_a_number(measured, tmp_path):
    write_figures(measured[1], tmp_path / "figures.parquet")
    frame = pl.read_parquet(tmp_path / "figures.parquet")
    assert dict(frame.schema) == {name: kind() for name, kind in COLUMNS.items()}
    assert len(frame) == len(frame.unique(["name", "related", "platform", "seed", "method", "metric"]))
    games = frame.filter(pl.col("name") == "games", pl.col("platform") == "at-0.2")
    assert set(games["fraction"]) == {0.2}


def test_a_run_s_figures_name_its_options_and_versions(measured):
    folder, figures = measured
    documents = [json.loads((cell_folder(folder, PAIRS[0], seed) / RESULT_FILE).read_text()) for seed in (0, 1)]
    place = place_of(PAIRS[0], 1.0, 0)
    row = figures.get(place, "local", NDCG)
    assert row.value == documents[0]["platforms"]["at-1"]["methods"]["local"][NDCG]
    assert row.options == options_digest(documents[0]["config"]) == options_digest(documents[1]["config"])
    assert row.options != options_digest({**documents[0]["config"], "encoder": "small"})
    assert row.versions.startswith(f"python {documents[0]['versions']['python']}, graft ")


def test_reads_results_in_which_the_transferability_score_has_its_former_name(measured, tmp_path):
    folder, figures = measured
    shutil.copytree(folder, tmp_path / "former")
    for path in (tmp_path / "former").rglob(RESULT_FILE):
        former = path.read_text("utf-8").replace('"transferability"', '"relatedness"')
        assert former != path.read_text("utf-8")
        path.write_text(former, "utf-8")
    assert measured_figures(Grid(), tmp_path / "former").rows == figures.rows


@pytest.mark.parametrize("content", [b"PAR1", b"name,value\n"])
def test_refuses_what_is_no_table_of_figures(tmp_path, content):
    (tmp_path / "figures.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"figures\.parquet must be a table of figures that the benchmark wrote"):
        read_figures(tmp_path / "figures.parquet")


def test_a_figure_that_was_not_measured_is_none():
    figures = Figures([Figure(place=Place(name="games"), metric=NDCG, value=0.1)])
    assert figures.value(Place(name="games"), "", NDCG) == 0.1
    assert figures.value(Place(name="toys"), "", NDCG) is None
    assert figures.interval(Place(name="games"), "", NDCG) is None
