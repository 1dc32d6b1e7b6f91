"""What a finished task reported is kept, and said again."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.clicks.click_metrics import ClickRanking
from simulations.config.run_config import RunConfig
from simulations.results.outcomes import (
    ClickOutcome,
    ContributionOutcome,
    GateOutcome,
    MethodOutcome,
    PlatformSummary,
    StudentSummary,
)
from simulations.results.recorder import Recorder
from simulations.run.finished_task import Kept, report_again
from simulations.run.run_recorder import RunRecorder
from simulations.run.workers import Workers

SUMMARY = PlatformSummary(
    name="shop",
    users=2,
    items=9,
    events=8,
    train_users=2,
    test_users=2,
    left_out={"ease": "why"},
    scorer_values={"a": 0.1},
)
GATE = GateOutcome(platform="shop", seed=3, verdict={"accepted": True, "candidates": {"model": {"ndcg": 1 / 3}}})
STUDENT = StudentSummary(
    preset="nano",
    parameters=9,
    ndcg=0.1,
    teacher_parameters=None,
    teacher_ndcg=1 / 3,
    seconds=0.5,
    stack_seconds=2.5,
)
OUTCOME = MethodOutcome(
    platform="shop",
    method="local",
    seed=3,
    users=np.array([4, 7]),
    ndcg=np.array([0.1, 1 / 3]),
    recall=np.array([0.0, 1.0]),
    reciprocal_rank=np.array([0.0, 0.5]),
    coverage=0.1,
    cold_users=np.array([True, False]),
    cold_items=np.array([False, False]),
    weights={"linear": 0.15},
    tuned={"stack": "uniform", "validation": 0.1},
    student=STUDENT,
)
CLICKS = ClickOutcome(
    platform="shop",
    method="feature",
    seed=3,
    impressions={"test": 2},
    items=9,
    click_rate=0.25,
    ranking=ClickRanking(
        users=np.array([4, 7]),
        auc=np.array([0.1, 1 / 3]),
        reciprocal_rank=np.array([0.5, 1.0]),
        ndcg_5=np.array([0.0, 0.25]),
        ndcg_10=np.array([0.0, 0.5]),
        gauc=0.6,
    ),
    log_loss=0.3,
    ece=0.2,
    ece_scaled=0.1,
    temperature=1.5,
    tuned={"hidden": 8},
)


CONTRIBUTION = ContributionOutcome(
    platform="shop",
    method="federated",
    seed=3,
    users=np.array([4, 7]),
    ndcg=np.array([0.1, 1 / 3]),
    without={"films": np.array([0.1, 0.3])},
)


def report(recorder: Recorder, line: str) -> None:
    recorder.say(line)
    recorder.add_platform(SUMMARY, 3)
    recorder.add_seconds("rank", 2.5)
    recorder.add_outcome(OUTCOME)
    recorder.add_gate(GATE)
    recorder.add_clicks(CLICKS)
    recorder.add_contribution(CONTRIBUTION)


def check_equal(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Records of the same type with equal values, arrays of the same type too."""
    assert [type(one) for one in found] == [type(one) for one in expected]
    for one, other in zip(found, expected, strict=True):
        parts = [[getattr(each, field.name) for field in fields(other)] for each in (one, other)]
        arrays = [[part for part in some if isinstance(part, np.ndarray)] for some in parts]
        nested = [[part for part in some if isinstance(part, ClickRanking)] for some in parts]
        plain = [[part for part in some if not isinstance(part, np.ndarray | ClickRanking)] for some in parts]
        assert plain[0] == plain[1]
        check_equal(*nested)
        for array, same in zip(*arrays, strict=True):
            np.testing.assert_array_equal(array, same, strict=True)


def fail(recorder: Recorder) -> None:
    recorder.add_outcome(OUTCOME)
    raise KeyboardInterrupt


def test_says_again_what_was_said_to_the_last_bit(tmp_path: Path) -> None:
    first, again = RunRecorder(RunConfig()), RunRecorder(RunConfig())
    Kept(tmp_path / "seed-3" / "task", report)(first, "local")
    assert report_again(tmp_path / "seed-3" / "task", again)
    before, after = (recorder.result(complete=True) for recorder in (first, again))
    assert after.platforms == before.platforms == (SUMMARY,)
    assert after.gates == before.gates == (GATE,)
    assert after.seconds == {"rank": 2.5}
    check_equal(after.outcomes, (OUTCOME,))
    check_equal(after.clicks, (CLICKS,))
    (contribution,) = after.contributions
    check_equal([replace(contribution, without={})], [replace(CONTRIBUTION, without={})])
    np.testing.assert_array_equal(contribution.without["films"], CONTRIBUTION.without["films"], strict=True)


@pytest.mark.parametrize("jobs", [1, 2])
def test_does_a_task_once(tmp_path: Path, jobs: int) -> None:
    said: list[str] = []
    for _ in range(2):
        recorder = RunRecorder(RunConfig(), say=said.append)
        with Workers(jobs, recorder) as workers:
            if not report_again(tmp_path / "task", recorder):
                workers.submit(Kept(tmp_path / "task", report), "local")
        assert len(recorder.result(complete=True).outcomes) == 1
    assert said == ["local"]


def test_keeps_nothing_of_a_task_that_was_stopped(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Kept(tmp_path / "task", fail)(RunRecorder(RunConfig()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: whole[:0], lambda whole: b"{}" + whole])
def test_takes_a_file_that_is_not_whole_for_none(tmp_path: Path, damage) -> None:
    file = tmp_path / "task"
    Kept(file, report)(RunRecorder(RunConfig()), "local")
    file.write_bytes(damage(file.read_bytes()))
    recorder = RunRecorder(RunConfig())
    assert not report_again(file, recorder)
    assert recorder.result(complete=True).outcomes == ()
