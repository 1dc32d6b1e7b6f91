"""What ``assess`` knows of the benchmark's pairs, and the benchmark's page, are what the table of figures says."""

from pathlib import Path

import pytest

from client.gate.expectation import known_pairs, write_pairs
from simulations.benchmark.cells import Grid
from simulations.benchmark.figure_table import read_figures
from simulations.benchmark.figures import Figures
from simulations.benchmark.foretold import measured_cells
from simulations.benchmark.page import page

RESULTS = Path(__file__).parents[2] / "docs" / "results"
FROM_TABLE = "graft-sim benchmark DATA --out docs/results/transfer.parquet --tables"


@pytest.fixture(scope="module")
def figures() -> Figures:
    return read_figures(RESULTS / "transfer.parquet")


def rows(text: str) -> list[str]:
    """The lines of all Markdown tables, but for those of dashes under the heads."""
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| --")]


def test_known_pairs_are_those_of_the_table_of_figures(figures: Figures) -> None:
    measured = [known for known, _ in measured_cells(figures)]
    assert write_pairs(measured) == write_pairs(known_pairs()), (
        f"write them anew: {FROM_TABLE} --known-pairs client/gate/known_pairs.csv"
    )


def test_every_line_of_the_page_s_tables_comes_from_the_table_of_figures(figures: Figures) -> None:
    written, printed = rows((RESULTS / "transfer.md").read_text("utf-8")), rows(page(figures, Grid()))
    assert len(printed) > 250
    assert written == printed, f"write them anew: {FROM_TABLE}"


def test_the_page_has_the_printed_sentences_too(figures: Figures) -> None:
    sentences = [line for line in page(figures, Grid()).splitlines() if line and not line.startswith("|")]
    assert [sentence.split(" ")[0] for sentence in sentences][-1:] == ["Cells"]
    written = " ".join((RESULTS / "transfer.md").read_text("utf-8").split())
    assert [sentence for sentence in sentences if sentence not in written] == []
