"""What ``assess`` knows of the benchmark's pairs is what their committed cells say."""

from pathlib import Path

from client.gate.expectation import known_pairs, write_pairs
from simulations.benchmark.cells import Grid, finished
from simulations.benchmark.foretold import measured_cells

CELLS = Path(__file__).parents[2] / "docs" / "results" / "transfer"


def test_known_pairs_are_those_of_the_committed_cells() -> None:
    measured = [known for known, _ in measured_cells(finished(Grid().pairs, CELLS))]
    assert write_pairs(measured) == write_pairs(known_pairs()), (
        "write them anew: graft-sim benchmark DATA --out docs/results/transfer --tables "
        "--known-pairs client/gate/known_pairs.csv"
    )
