"""The stage of a secure sum, for those who watch a run."""

import os

from server.rounds.kept_sums import NOT_KEPT, KeptSums
from server.rounds.told_stage import STAGE_FILE, told_stage


def test_says_what_is_asked_of_whom(tmp_path) -> None:
    KeptSums(tmp_path).begins(3, "mask", ["south", "north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").words == "masking, awaits north, south"


def test_is_over_once_the_round_is_written_down(tmp_path) -> None:
    KeptSums(tmp_path).begins(3, "open", ["north"])
    (tmp_path / "checkpoint").write_bytes(b"")
    later = (tmp_path / STAGE_FILE).stat().st_mtime_ns + 1
    os.utime(tmp_path / "checkpoint", ns=(later, later))
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
    KeptSums(tmp_path).begins(4, "mask", ["north"])
    os.utime(tmp_path / STAGE_FILE, ns=(later, later))
    assert told_stage(tmp_path, since=tmp_path / "checkpoint").round == 4


def test_is_none_where_nothing_was_told_or_the_file_is_none(tmp_path) -> None:
    NOT_KEPT.begins(1, "keys", ["north"])
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
    (tmp_path / STAGE_FILE).write_text("{")
    assert told_stage(tmp_path, since=tmp_path / "checkpoint") is None
