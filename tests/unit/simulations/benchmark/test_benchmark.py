import json
from itertools import pairwise
from pathlib import Path

import pytest

from client.data.spec import parse_platform_spec
from shared.errors import ConfigError, DataError
from simulations.benchmark.cells import Grid, cell_config, cell_folder, finished, run_cells
from simulations.benchmark.federations import FEDERATIONS, federation_table
from simulations.benchmark.figures import OVER_LOCAL, SEEDS, place_of
from simulations.benchmark.measure import measured_figures
from simulations.benchmark.page import missing_cells
from simulations.benchmark.pairs import FRACTIONS, PAIRS
from simulations.benchmark.table import class_table, pair_table
from simulations.benchmark.three_way import ALIGNMENTS, THREE_WAYS, three_way_table
from simulations.results.outcomes import SERVED
from simulations.results.result_document import RESULT_FILE
from simulations.run.termination import RunStopped
from tests.unit.simulations.benchmark.made_up import folders_of, made_up_run

PAIR = PAIRS[0]
NEWS = next(pair for pair in PAIRS if "mind_news" in pair.sources[0])


def quiet(_anything) -> None:
    return


def tables(text: str) -> list[list[dict[str, str]]]:
    """The rows of each Markdown table, each row's cells by head."""
    read = []
    for block in text.strip().split("\n\n"):
        heads, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        read.append([dict(zip(heads, row, strict=True)) for row in rows])
    return read


def test_goes_on_where_it_was_stopped(tmp_path):
    data, seen = folders_of(tmp_path / "data", (PAIR,)), []

    def stopped(_config, _recorder, work):
        seen.append((work / "kept").exists())
        (work / "kept").mkdir(exist_ok=True)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(RunStopped, match="stopped; the same command goes on"):
            run_cells((PAIR,), (0,), data, tmp_path, quiet, stopped)
    with pytest.raises(RunStopped):
        run_cells((PAIR,), (1,), data, tmp_path, quiet, stopped)
    # what the first run left is there for the second, not for that of another seed
    assert seen == [False, True, False]


def test_leaves_a_folder_alone_in_which_another_benchmark_works(tmp_path):
    data, runs = folders_of(tmp_path / "data", (PAIR,)), []

    def meanwhile(config, recorder, work):
        with pytest.raises(ConfigError, match=f"{tmp_path}: a benchmark works in it already, as process"):
            run_cells((PAIR,), (1,), data, tmp_path, quiet, lambda *_: runs.append(1))
        made_up_run(config, recorder, work)

    run_cells((PAIR,), (0,), data, tmp_path, quiet, meanwhile)
    assert ([seed for _, seed, _ in finished((PAIR,), tmp_path)], runs) == ([0], [])


def test_says_before_the_first_run_that_a_later_one_lacks_its_folder(tmp_path):
    said, ran = [], []
    data = folders_of(tmp_path / "data", (PAIR,))
    with pytest.raises(ConfigError, match="mind_news must be a platform folder"):
        run_cells((PAIR, NEWS), (0,), data, tmp_path / "out", said.append, lambda *_: ran.append(1))
    assert (said, ran) == ([], [])


def test_every_pair_is_a_run_that_the_config_accepts():
    configs = [cell_config(pair, 0, Path("data")) for pair in PAIRS]
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert all(len(config.reported) == len(FRACTIONS) for config in configs)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "catalogue" in pair.pair_class])
def test_same_catalogue_pairs_share_no_user(pair):
    source, target = (parse_platform_spec(f"x={line}") for line in (pair.sources[0], pair.target))
    first, second = (source.time, target.time) if source.time else (source.users, target.users)
    assert first[1] <= second[0]


def test_refuses_a_pair_that_it_does_not_know():
    with pytest.raises(ConfigError, match="pairs must be of games"):
        Grid().only(("games", "moon"))


def test_leaves_out_what_is_finished(tmp_path):
    ran = []

    def noted(config, recorder, work):
        ran.append(config.seed)
        made_up_run(config, recorder, work)

    data = folders_of(tmp_path / "data", (PAIR,))
    run_cells((PAIR,), (0,), data, tmp_path, quiet, noted)
    run_cells((PAIR,), (0, 1), data, tmp_path, quiet, noted)
    assert ran == [0, 1]
    assert [seed for _, seed, _ in finished((PAIR,), tmp_path)] == [0, 1]
    kept = json.loads((cell_folder(tmp_path, PAIR, 0) / RESULT_FILE).read_text())
    assert kept["config"]["platform"][0] == f"source-0={PAIR.sources[0]}"


def test_does_not_count_a_stopped_run_as_finished(tmp_path):
    folder = cell_folder(tmp_path, PAIR, 0)
    folder.mkdir(parents=True)
    (folder / RESULT_FILE).write_text(json.dumps({"format": 1, "complete": False}))
    assert not list(finished((PAIR,), tmp_path))


def test_ends_figures_that_cannot_be_read_with_one_sentence(tmp_path):
    run_cells((PAIR,), (0,), folders_of(tmp_path / "data", (PAIR,)), tmp_path, quiet, made_up_run)
    (cell_folder(tmp_path, PAIR, 0) / "per_user.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"seed-0/per_user.parquet must be the per_user.parquet of a run"):
        measured_figures(Grid(), tmp_path)


def test_shows_each_pair_and_averages_a_class(tmp_path):
    pairs = PAIRS[:3:2]
    run_cells(pairs, (0, 1), folders_of(tmp_path / "data", pairs), tmp_path, quiet, made_up_run)
    figures = measured_figures(Grid(), tmp_path)
    places = [place_of(pair, fraction) for pair in pairs for fraction in FRACTIONS]
    for method in ("feature", SERVED):
        assert [figures.value(place, method, OVER_LOCAL) for place in places] == pytest.approx([100.0] * 6)
    assert [figures.value(place_of(pair), "", SEEDS) for pair in pairs] == [2, 2]
    table = pair_table(figures)
    assert table.count("+100.0 [") >= 12
    assert table.count("| 2 of 2 |") == 6
    first, others = tables(class_table(figures))
    assert [row["pairs"] for row in first] == ["2", "2", "2"]
    assert [row["fraction"] for row in others] == [row["fraction"] for row in first]


def test_every_federation_is_a_run_of_shops_that_share_no_user():
    configs = [cell_config(federation, 0, Path("data")) for federation in FEDERATIONS]
    assert [config.federation.rounds for config in configs] == [12, 0, 12, 12, 12, 12]
    assert [config.federation.weighting for config in configs] == [
        "uniform",
        "uniform",
        "uniform",
        "similarity",
        "uniform",
        "uniform",
    ]
    assert [config.adapters for config in configs] == ["none", "none", "none", "none", "lora:64", "none"]
    assert [config.federation.local.updates for config in configs] == ["whole"] * 5 + ["int8-delta"]
    assert all(config.reported == FEDERATIONS[0].reported for config in configs)
    ranges = [parse_platform_spec(f"x={line}").users for line in FEDERATIONS[0].shops]
    assert len(ranges) == 8
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))


def test_compares_federations_shop_by_shop(tmp_path):
    run_cells(FEDERATIONS, (0, 1), folders_of(tmp_path / "data", FEDERATIONS), tmp_path, quiet, made_up_run)
    lifts, others = (
        [list(row.values()) for row in rows] for rows in tables(federation_table(measured_figures(Grid(), tmp_path)))
    )
    assert [row[:3] for row in others] == [[one.name, "2", "7"] for one in FEDERATIONS]
    assert [row[0] for row in lifts] == [one.name for one in FEDERATIONS]
    assert lifts[0][2].startswith("+100.0 [")
    assert lifts[0][3:] == ["+0.0 [+0.0, +0.0]", "+0.0 [+0.0, +0.0]", "-"]
    assert lifts[2][2:] == ["-", "+0.0 [+0.0, +0.0]", "-", "+0.0 [+0.0, +0.0]"]


def test_chooses_entries_by_name():
    assert [one.name for one in Grid().only(("shops-far", "games")).entries()] == ["games", "shops-far"]
    assert Grid().only(()) == Grid()


def test_every_way_is_compared_under_every_alignment(tmp_path):
    run_cells(THREE_WAYS, (0, 1), folders_of(tmp_path / "data", THREE_WAYS), tmp_path, quiet, made_up_run)
    lifts, others = tables(three_way_table(measured_figures(Grid(), tmp_path)))
    assert [row["alignment"] for row in lifts] == [*ALIGNMENTS] * (len(THREE_WAYS) // len(ALIGNMENTS))
    assert [row["seeds"] for row in others] == ["2"] * len(lifts)
    for row in lifts:
        assert row["feature over local, %"].startswith("+100.0 [")
        assert [*row.values()][3:] == ["+0.0 [+0.0, +0.0]"] * 2


def test_names_the_cells_that_are_missing(tmp_path):
    run_cells((PAIR,), (0, 2), folders_of(tmp_path / "data", (PAIR,)), tmp_path, quiet, made_up_run)
    figures = measured_figures(Grid(), tmp_path)
    assert missing_cells(figures, Grid().only([PAIR.name])) == "Cells that are missing: games (seeds 1).\n"
    run_cells((PAIR,), (1,), tmp_path / "data", tmp_path, quiet, made_up_run)
    figures = measured_figures(Grid(), tmp_path)
    assert missing_cells(figures, Grid().only([PAIR.name])) == "Cells that are missing: none.\n"


def test_two_services_of_one_domain_share_no_folder():
    pairs = [pair for pair in PAIRS if pair.pair_class == "two services of one domain"]
    folders = [([line.partition(",")[0] for line in pair.sources], pair.target.partition(",")[0]) for pair in pairs]
    assert len(folders) == 5
    assert all(target not in sources for sources, target in folders)
