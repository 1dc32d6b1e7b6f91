"""A process that is killed between any two of its writes leaves a repository that platforms take."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.releases import keys, repository
from server.releases.freshness import refresh
from server.releases.publishing import roll_back
from server.releases.rotation import ROTATED, rotate
from server.releases.tidying import prune
from server.releases.verification import verify
from shared.system.whole_file import write_whole
from tests.unit.server.releases.release_world import DAY, NOW, Client, ReleaseWorld

LATER = NOW + 60 * DAY
"""when the list of releases is due, and all parts but root have expired or are due"""


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch):
    """What is written need not outlive this machine."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


class Killed(BaseException):
    """Nothing handles it, as nothing handles SIGKILL."""


class Steps:
    """Counts what changes the disk; the process ends before the step of this number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.done, self.most = 0, most
        unlink = Path.unlink

        def written(path: Path, content: bytes, *, mode: int = 0o666) -> None:
            self._step(path)
            write_whole(path, content, mode=mode)

        def removed(path: Path, missing_ok: bool = False) -> None:
            if path.suffix != ".part":
                self._step(None)
            unlink(path, missing_ok)

        for module in (keys, repository):
            monkeypatch.setattr(module, "write_whole", written)
        monkeypatch.setattr(Path, "unlink", removed)

    def _step(self, path: Path | None) -> None:
        if self.done == self.most:
            if path is not None and path.parent.exists():
                path.with_name(f".{path.name}.7.part").write_bytes(b"half of it")
            raise Killed
        self.done += 1


def killed_at_each_step(monkeypatch: pytest.MonkeyPatch, folder: Path, prepare: Callable, act: Callable) -> int:
    """Act after each number of steps, look as platforms do, and act again; returns how many steps there are."""
    number = 0
    while True:
        world = ReleaseWorld(folder / str(number) / "coordinator")
        now = prepare(world)
        came = Client(folder / str(number) / "came", world.repository, world.root())
        before = came.newest()
        with monkeypatch.context() as patch:
            Steps(patch, number)
            try:
                act(world, now)
            except Killed:
                ended = False
            else:
                ended = True
        new = Client(folder / str(number) / "new", world.repository, world.root())
        fresh = now if ended else NOW
        assert came.newest(fresh) == new.newest(fresh)
        assert ended or came.newest(fresh) in (before, (before or 0) + 1)
        verify(world.repository, fresh)
        if ended:
            return number
        act(world, now)
        verify(world.repository, now)
        assert came.newest(now) == new.newest(now)
        number += 1


def two_releases(world: ReleaseWorld):
    world.release()
    world.release()
    return NOW


def test_publishing(monkeypatch, tmp_path):
    def prepare(world):
        world.release()
        world.new_encoder()
        return NOW

    assert killed_at_each_step(monkeypatch, tmp_path, prepare, lambda world, now: world.publish(now)) == 6


def test_rolling_back(monkeypatch, tmp_path):
    act = lambda world, now: roll_back(world.signing(now), 1)  # noqa: E731
    assert killed_at_each_step(monkeypatch, tmp_path, two_releases, act) == 6


@pytest.mark.parametrize("role", ROTATED)
def test_new_keys(monkeypatch, tmp_path, role):
    act = lambda world, now: rotate(world.signing(now), role)  # noqa: E731
    metadata = {"root": 0, "targets": 3, "snapshot": 2, "timestamp": 1, "statement": 2 + 3}
    key_files, roots = 2, 0 if role == "statement" else 2
    assert killed_at_each_step(monkeypatch, tmp_path, two_releases, act) == key_files + metadata[role] + roots


def test_signing_anew(monkeypatch, tmp_path):
    def prepare(world):
        world.release()
        return LATER

    assert killed_at_each_step(monkeypatch, tmp_path, prepare, lambda world, now: refresh(world.signing(now))) >= 3


def test_pruning(monkeypatch, tmp_path):
    def prepare(world):
        for _ in range(3):
            world.release()
        return NOW

    assert killed_at_each_step(monkeypatch, tmp_path, prepare, lambda world, now: prune(world.signing(now), 2)) >= 3 + 3


def test_the_first_release(monkeypatch, tmp_path):
    number, ended = 0, False
    while not ended:
        world = ReleaseWorld(tmp_path / str(number))
        world.new_encoder()
        with monkeypatch.context() as patch:
            Steps(patch, number)
            try:
                world.publish()
            except Killed:
                ended = False
            else:
                ended = True
        if not ended and (not world.repository.exists or world.repository.chain().current is None):
            world.publish()
        assert Client(tmp_path / f"client-{number}", world.repository, world.root()).newest() == 1
        verify(world.repository, NOW)
        number += 1
    assert number - 1 == 5 + 2 + 3 + 6, "keys, root twice, an empty list, the release"
