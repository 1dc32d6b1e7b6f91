"""What is asked in a run, for those who watch it."""

import os

import pytest

from server.rounds.told_stage import NOBODY_TOLD, STAGE_FILE, StageTeller, told_stage


def test_says_what_is_asked_of_whom_and_who_has_answered(tmp_path) -> None:
    teller = StageTeller(tmp_path)
    teller.begins(3, "mask", ["south", "north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").words == "sum 3: masking, awaits north, south"
    teller.hears(["south"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").awaited == "awaits north; south answered"
    teller.hears(["north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").awaited == "all have answered"


@pytest.mark.parametrize(
    ("stage", "number", "words"),
    [
        ("start", 0, "evaluation of the start"),
        ("moments", 0, "moments"),
        ("after-moments", 0, "evaluation after moments"),
        ("train", 2, "training of round 2"),
        ("evaluate", 2, "evaluation of round 2"),
    ],
)
def test_names_each_question_of_a_run(tmp_path, stage, number, words) -> None:
    StageTeller(tmp_path).begins(number, stage, ["north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").doing == words


def test_a_platform_that_is_asked_again_is_awaited_again_and_the_question_is_as_old_as_before(tmp_path) -> None:
    teller = StageTeller(tmp_path)
    teller.begins(1, "train", ["south", "north"])
    first = told_stage(tmp_path, since=tmp_path / "checkpoint")
    teller.hears(["south", "north"])
    teller.begins(1, "train", ["south"])
    again = told_stage(tmp_path, since=tmp_path / "checkpoint")
    assert (again.awaited, again.since) == ("awaits south; north answered", first.since)
    assert first.since > 0


def test_is_over_once_the_round_is_written_down(tmp_path) -> None:
    teller = StageTeller(tmp_path)
    teller.begins(3, "open", ["north"])
    (tmp_path / "checkpoint").write_bytes(b"")
    later = (tmp_path / STAGE_FILE).stat().st_mtime_ns + 1
    os.utime(tmp_path / "checkpoint", ns=(later, later))
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
    teller.begins(4, "mask", ["north"])
    os.utime(tmp_path / STAGE_FILE, ns=(later, later))
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").round == 4


def test_is_none_where_nothing_was_told_or_the_file_is_none(tmp_path) -> None:
    NOBODY_TOLD.begins(1, "keys", ["north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
    (tmp_path / STAGE_FILE).write_text("{")
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
