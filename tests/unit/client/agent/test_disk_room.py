"""A disk without room is named before a round fails for it."""

import os
import shutil
from collections import namedtuple

from client.agent.disk_room import LEAST_MIB, room_in

Usage = namedtuple("Usage", "total used free")


def test_a_disk_with_room_is_no_finding(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(0, 0, LEAST_MIB * 2**20))
    assert room_in(tmp_path) is None


def test_a_full_disk_is_told_with_what_is_left(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(0, 0, 3 * 2**20))
    found = room_in(tmp_path)
    assert (found.cause, found.lasting) == ("disk", False)
    assert f"{tmp_path} lies on a disk with 3 MiB free; rounds want 256 or more; make room on it" in found.sentence


def test_a_disk_that_can_only_be_read_is_told(tmp_path, monkeypatch) -> None:
    real = os.statvfs(tmp_path)
    flags = namedtuple("Flags", "f_flag")(real.f_flag | os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", lambda _folder: flags)
    assert "can only be read; mount it for writing" in room_in(tmp_path).sentence
