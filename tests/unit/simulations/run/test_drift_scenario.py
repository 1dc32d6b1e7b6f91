"""The story of a drift says what was lost and recovered, and its command takes no option that it would not heed."""

import json

import pytest

from simulations.report.drift_curve import write_drift_curve
from simulations.run.drift_scenario import DriftStory, Week
from simulations.run.drift_world import END, FITTED, SHIFT, DriftWorld, week
from tests.integration.commands import run


def story(noticed=SHIFT + 1, judged=SHIFT + 4):
    weeks = [
        Week(
            number=number,
            events=10,
            frozen=0.2 if number < SHIFT else 0.1,
            adapted=0.2 if number < SHIFT else 0.19 if number > judged else 0.1,
            stage="judged" if number == judged else "watching",
            why="drift of hits" if number >= noticed else "no drift",
        )
        for number in range(FITTED, END)
    ]
    return DriftStory(seed=1, weeks=tuple(weeks))


def test_says_what_was_lost_and_recovered():
    told = story().to_json()
    assert (told["noticed"], told["refitted"]) == (SHIFT + 1, SHIFT + 4)
    assert told["recovered"] == pytest.approx(0.9)
    assert "0.200 before, 0.100 as it was, 0.190 adapted" in story().words


def test_says_so_where_nothing_is_noticed():
    told = story(noticed=END, judged=END)
    assert (told.words, "recovered" in told.to_json()) == ("no drift was noticed", False)


def test_the_curve_is_a_picture(tmp_path):
    write_drift_curve(story().to_json(), tmp_path / "drift.png")
    assert (tmp_path / "drift.png").read_bytes().startswith(b"\x89PNG")


def test_tastes_shift_in_the_week_that_is_named_and_not_before():
    """Whom and what is drawn is alike before the shift; the fashion then moves what is met, and not how much."""
    calm, turned = DriftWorld.draw(3, shifts=False), DriftWorld.draw(3)
    assert calm.between(0, SHIFT) == turned.between(0, SHIFT)
    after = [world.between(SHIFT, END) for world in (calm, turned)]
    assert len(after[0]) == len(after[1]) > 1_000
    assert sum(one.item != other.item for one, other in zip(*after, strict=True)) > 300
    assert week(SHIFT) <= after[0][0].time


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--scenario", "flood"), "scenario must be drift; got 'flood'"),
        (("--scenario", "drift", "--rounds", "3"), "scenario drift takes no option rounds"),
        (("--scenario", "drift", "--jobs", "2"), "scenario drift takes no option jobs"),
    ],
)
def test_refuses_what_it_would_not_heed(arguments, refusal, tmp_path):
    told = run("graft-sim", "run", *arguments, "--out", tmp_path / "out")
    assert (told.returncode, not (tmp_path / "out").exists()) == (2, True)
    assert refusal in " ".join(told.stderr.split())


def test_leaves_files_of_before_alone(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps({}))
    told = run("graft-sim", "run", "--scenario", "drift", "--out", tmp_path)
    assert (told.returncode, (tmp_path / "result.json").read_text()) == (2, "{}")
