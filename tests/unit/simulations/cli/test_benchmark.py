"""``graft-sim benchmark``: its tables from a folder of cells and from a table of figures."""

import json

import polars as pl
import pytest

from client.gate.expectation import read_pairs
from shared.errors import ConfigError
from simulations.benchmark.cells import Grid, run_cells
from simulations.benchmark.pairs import FRACTIONS, PAIRS
from simulations.cli.benchmark import benchmark
from tests.unit.simulations.benchmark.made_up import ADDS, SHOWN, folders_of, made_up_run

PAIR = PAIRS[0]


def test_prints_the_same_tables_from_the_cells_and_from_the_table_it_wrote(tmp_path, capsys) -> None:
    cells, table = tmp_path / "cells", tmp_path / "figures.parquet"
    run_cells((PAIR,), (0,), folders_of(tmp_path / "data", (PAIR,)), cells, lambda _: None, made_up_run)
    benchmark(tmp_path / "data", out=cells, tables=True, figures=table)
    from_cells = capsys.readouterr().out
    benchmark(tmp_path / "data", out=table, tables=True)
    assert capsys.readouterr().out == from_cells
    assert f"| {PAIR.name} | 0.05 | same catalogue | 1 | 600 |" in from_cells


def test_prints_the_figures_and_the_missing_seeds_as_one_json_document(tmp_path, capsys) -> None:
    cells, table = tmp_path / "cells", tmp_path / "figures.parquet"
    data = folders_of(tmp_path / "data", (PAIR,))
    run_cells((PAIR,), (0,), data, cells, lambda _: None, made_up_run)
    benchmark(data, out=cells, tables=True, figures=table, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["figures"] == pl.read_parquet(table).to_dicts()
    assert (told["missing"][PAIR.name], len(told["missing"])) == ([1, 2], len(Grid().entries()))


def test_runs_cells_with_their_course_on_stderr_and_one_json_document_on_stdout(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("simulations.run.whole_run.run", lambda *given, **_: made_up_run(*given))
    benchmark(folders_of(tmp_path / "data", (PAIR,)), pairs=PAIR.name, seeds=1, out=tmp_path / "cells", as_json=True)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["missing"] == {PAIR.name: [1, 2]}
    assert PAIR.name in printed.err


def test_writes_what_assess_should_know(tmp_path, capsys) -> None:
    cells, known = tmp_path / "cells", tmp_path / "known.csv"
    run_cells((PAIR,), (0,), folders_of(tmp_path / "data", (PAIR,)), cells, lambda _: None, made_up_run)
    benchmark(tmp_path / "data", out=cells, tables=True, known_pairs=known)
    pairs = read_pairs(known.read_text())
    assert [(pair.name, pair.fraction, pair.shown, pair.adds) for pair in pairs] == [
        (PAIR.name, fraction, SHOWN, ADDS) for fraction in FRACTIONS
    ]
    assert capsys.readouterr().out


@pytest.mark.parametrize("options", [{}, {"tables": True, "pairs": "games"}])
def test_takes_a_table_of_figures_for_all_tables_alone(tmp_path, options) -> None:
    table = tmp_path / "figures.parquet"
    table.write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"out must be a folder where .*/figures\.parquet is a file"):
        benchmark(tmp_path, out=table, **options)
