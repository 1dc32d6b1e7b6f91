"""What is known of a pair, and what ``assess`` would have said, from figures that went through a table."""

import pytest

from client.gate.assessment import standard_error
from simulations.benchmark.cells import Grid, run_cells
from simulations.benchmark.figure_table import read_figures, write_figures
from simulations.benchmark.foretold import clear_answers, foretold, foretold_table, measured_cells
from simulations.benchmark.measure import measured_figures
from simulations.benchmark.pairs import FRACTIONS, PAIRS
from tests.unit.simulations.benchmark.made_up import ADDS, BOUND, SHOWN, folders_of, made_up_run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Every cell of four pairs under one seed, read from a table of figures."""
    folder = tmp_path_factory.mktemp("cells")
    pairs = PAIRS[:4]
    run_cells(pairs, (0,), folders_of(folder / "data", pairs), folder, lambda _: None, made_up_run)
    write_figures(measured_figures(Grid(), folder), folder / "figures.parquet")
    return measured_cells(read_figures(folder / "figures.parquet"))


def test_knows_each_pair_at_each_fraction(measured):
    known = [pair for pair, _ in measured]
    assert [(pair.name, pair.fraction) for pair in known] == [(p.name, f) for p in PAIRS[:4] for f in FRACTIONS]
    assert {(pair.users, pair.adds, pair.shown) for pair in known} == {(9, ADDS, SHOWN)}
    # one method competes with ``local`` for the gate
    assert {pair.error for pair in known} == {standard_error(SHOWN, BOUND, 1)}
    # ``feature`` is twice as good for every user; no scorer of content was measured
    assert [(pair.lift, pair.low, pair.high) for pair in known] == [pytest.approx((100.0, 100.0, 100.0))] * len(known)
    assert {pair.content for pair in known} == {0.0}


def test_gives_back_what_the_gate_found(measured):
    _, candidate = measured[0]
    assert (candidate.ndcg, candidate.lift, candidate.bound) == (0.24, SHOWN, BOUND)
    assert vars(candidate.transferability) == {"users": 80, "events": 400, "lift": ADDS, "bound": 5.0}


def test_foretells_each_cell_by_the_other_pairs(measured):
    said = foretold(measured)
    assert all(one.expected is not None for one in said)
    assert len(clear_answers(said)) == len(measured)
    assert f"of {len(measured)} answers right where the lift is beyond noise" in foretold_table(said)
