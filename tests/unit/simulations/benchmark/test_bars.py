"""What the bars say of cells whose figures are made up."""

from dataclasses import replace

import numpy as np
import pytest

from simulations.benchmark import run_figures
from simulations.benchmark.bars import Evidence, bars, bars_table, served_below_local
from simulations.benchmark.cells import Grid, run_cells
from simulations.benchmark.federations import FEDERATIONS, FederationFigures, pooled_federations
from simulations.benchmark.figures import PAIRS_AVERAGED, Figures, group_place
from simulations.benchmark.groups import group_figures
from simulations.benchmark.measure import measured_figures
from simulations.benchmark.pairs import FRACTIONS, PAIRS
from simulations.benchmark.pooled_cells import Cell, pooled_figures
from simulations.results.outcomes import SERVED
from tests.unit.simulations.benchmark.made_up import folders_of, made_up_run

BY_NAME = {pair.name: pair for pair in PAIRS}
LARGE = ("games", "toys", "beauty", "sports")


def spread(found, noise=1.0):
    """A found lift, then resamples around it."""
    return np.array([found, *found + noise * np.linspace(-2, 2, 101)])


def cell(name, fraction, lift, *, noise=1.0, users=900, served=0.0):
    lifts = spread(lift, noise)
    return Cell(
        pair=BY_NAME[name],
        fraction=fraction,
        seeds=3,
        users=users,
        local=0.1,
        lifts={SERVED: spread(served)},
        over_best={"feature": lifts},
        over_content={"zero-shot": lifts},
        accepted=3,
    )


def shops(name, *, up=1000.0, over_local=25.0, over_pooled=0.0, over_first=None, seconds=(1.0, 40.0)):
    return FederationFigures(
        federation=next(one for one in FEDERATIONS if one.name == name),
        seeds=3,
        local=0.1,
        feature_over_local=None,
        over_local=spread(over_local),
        over_pooled=None if over_pooled is None else spread(over_pooled),
        over_first=None if over_first is None else spread(over_first),
        seconds={"moments": seconds[0], "training": seconds[1]},
        bytes_up=up,
    )


def figures_of(cells, federations=()):
    """What is measured of all seeds."""
    return Figures([*pooled_figures(cells), *group_figures(cells), *pooled_federations(federations)])


def answers(*, cells=(), served_below=(), federations=(), said=()):
    """What was asked, in part, to whether it is reached."""
    evidence = Evidence(figures=figures_of(cells, federations), served_below=served_below, answers=said)
    return {one.requirement: one.reached for one in bars(evidence)}


def the_one(found, *words):
    (reached,) = [reached for asked, reached in found.items() if all(word in asked for word in words)]
    return reached


@pytest.mark.parametrize(("below", "reached"), [(1, True), (2, False)])
def test_one_cell_in_forty_may_be_worse_and_no_more(below, reached):
    found = answers(served_below=[True] * below + [False] * (40 - below))
    assert list(found.values()) == [reached]


@pytest.mark.parametrize(("served", "reached"), [(-0.4, True), (-0.6, False)])
def test_no_class_may_lose_half_a_percent(served, reached):
    given = [cell("news-retail", 1, 0, served=served), cell("games", 1, 50, served=9)]
    assert the_one(answers(cells=given), "lowest class") is reached


@pytest.mark.parametrize(("lifts", "mean", "lowest"), [((31, 62, 62, 85), True, True), ((29, 62, 62, 90), True, False)])
def test_the_large_pairs_are_asked_for_a_mean_and_for_each_alone(lifts, mean, lowest):
    given = [cell(name, 0.05, lift) for name, lift in zip(LARGE, lifts, strict=True)]
    found = answers(cells=given)
    assert the_one(found, "fraction 0.05, the lowest") is lowest
    assert found["`feature` over the best local method, large sources of the same catalogue, fraction 0.05"] is mean


@pytest.mark.parametrize(("noise", "reached"), [(1.0, True), (9.0, False)])
def test_a_lift_within_noise_reaches_no_bar(noise, reached):
    assert the_one(answers(cells=[cell("games-toys", 1, 5, noise=noise)]), "related domains") is reached


def test_a_pair_counts_once_whatever_its_fractions_and_not_where_it_has_few_users():
    given = [cell("games-toys", fraction, 3) for fraction in FRACTIONS]
    given += [cell("shops-industrial", 1, 0.5), cell("shops-giftcards", 1, 99, users=430)]
    # (3 + .5) / 2 is below 2, where three fractions of the first and one of the second would be above it
    assert the_one(answers(cells=given), "related domains") is False
    assert figures_of(given).value(group_place("related domains", 1.0), "", PAIRS_AVERAGED) == 2


@pytest.mark.parametrize(
    ("names", "seeds", "said"),
    [
        (("games-toys", "shops-industrial", "shops-giftcards"), 3, "2 of 2 pairs, seeds: 3 | yes |"),
        (("games-toys", "shops-giftcards"), 3, "1 of 2 pairs, seeds: 3 | yes, so far |"),
        (("games-toys", "shops-industrial", "shops-giftcards"), 2, "seeds: 2 to 3 | yes, so far |"),
    ],
)
def test_says_what_a_bar_is_reached_on(names, seeds, said):
    few = {"shops-giftcards": 430}
    given = [cell(name, 1, 5, users=few.get(name, 900)) for name in names]
    given[0] = replace(given[0], seeds=seeds)
    table = bars_table(Evidence(figures=figures_of(given), served_below=(), answers=()))
    (row,) = [row for row in table.splitlines() if "local method, related domains" in row]
    assert row.endswith(said)


def test_small_sources_count_with_few_users_too():
    assert the_one(answers(cells=[cell("movielens", 1, 9, users=330)]), "small sources") is True


@pytest.mark.parametrize(
    ("member", "asked", "reached"),
    [
        ({"over_local": 21.0}, "over `local`", True),
        ({"over_local": 19.0}, "over `local`", False),
        ({"over_pooled": -2.9}, "over `pooled`", True),
        ({"over_pooled": -3.1}, "over `pooled`", False),
        ({"seconds": (2.0, 40.0)}, "seconds", True),
        ({"seconds": (2.1, 40.0)}, "seconds", False),
    ],
)
def test_rounds_are_held_against_local_pooled_and_the_moments_round(member, asked, reached):
    assert the_one(answers(federations=[shops("shops", **member)]), asked) is reached


@pytest.mark.parametrize(("name", "asked"), [("shops-adapters", "low-rank"), ("shops-bytes", "int8 deltas")])
@pytest.mark.parametrize(("up", "small"), [(125.0, True), (126.0, False)])
@pytest.mark.parametrize(("cost", "cheap"), [(-0.9, True), (-1.1, False)])
def test_fewer_bytes_are_held_against_what_they_cost(name, asked, up, small, cost, cheap):
    found = answers(federations=[shops("shops"), shops(name, up=up, over_first=cost)])
    assert the_one(found, "bytes up", asked) is small
    assert the_one(found, "`federated` by", asked) is cheap


@pytest.mark.parametrize(("cost", "reached"), [(-0.9, True), (-1.1, False)])
def test_far_platforms_may_cost_one_percent(cost, reached):
    assert the_one(answers(federations=[shops("shops-far-helpful", over_first=cost)]), "unrelated platforms") is reached


@pytest.mark.parametrize(("wrong", "reached"), [(1, True), (2, False)])
def test_nine_answers_of_ten_must_be_right(wrong, reached):
    assert list(answers(said=[False] * wrong + [True] * (10 - wrong)).values()) == [reached]


def test_reads_finished_cells(tmp_path):
    pairs = [BY_NAME[name] for name in LARGE]
    run_cells(pairs, (0,), folders_of(tmp_path / "data", pairs), tmp_path, lambda _: None, made_up_run)
    figures = measured_figures(Grid(), tmp_path)
    below = served_below_local(figures)
    assert below == [False] * len(pairs) * len(FRACTIONS)
    table = bars_table(Evidence(figures=figures, served_below=below, answers=()))
    rows = [row.split(" | ") for row in table.splitlines()[2:]]
    # ``feature`` is twice as good as all else, zero-shot as good as ``content-knn``
    assert [row[0].split(",")[0] for row in rows if row[-1] == "no, so far |"] == ["| `zero-shot` over `content-knn`"]
    assert [row[2] for row in rows][:2] == ["0 of 12 (0.0%)", "+100.0 % (same catalogue)"]
    assert [row[3] for row in rows][1:3] == ["4 of 26 pairs, seeds: 1", "4 of 4 pairs, seeds: 1"]


def test_what_is_served_below_local_is_counted(tmp_path, monkeypatch):
    """The made-up run serves what is twice as good as ``local``: read the other way round, half as good."""
    pairs = [BY_NAME["games"]]
    run_cells(pairs, (0, 1), folders_of(tmp_path / "data", pairs), tmp_path, lambda _: None, made_up_run)
    by_user = run_figures.by_user
    other = {"served": "local", "local": "served"}
    monkeypatch.setattr(run_figures, "by_user", lambda users, method: by_user(users, other.get(method, method)))
    assert served_below_local(measured_figures(Grid(), tmp_path)) == [True] * 6
