"""A full disk, a real one: a file system in memory, mounted for one process, which a file fills."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FILL = """
def fill():
    with (disk / "filler").open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(1024)):
                pass
        except OSError:
            return
"""
RUN = """
from itertools import count
from shared.errors import CheckpointError
from tests.federation_world import federate, opened
from tests.unit.server.rounds.test_exact_resume import heads

platforms = {name: opened(name, seed=seed) for seed, name in enumerate("ab")}
undisturbed = federate(disk / "undisturbed", platforms)
places = count()

def fills(real, message, context):
    reply = real(message, context)
    if next(places) == 4:
        fill()
    return reply

try:
    federate(disk / "run", platforms, apps={"b": fills}, resume=True)
except CheckpointError as error:
    print(error)
print(sorted(path.name for path in (disk / "run").rglob("*.part")))
(disk / "filler").unlink()
found = federate(disk / "run", platforms, resume=True)
print(found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes())
print(heads(disk / "run") == heads(disk / "undisturbed"))
"""
SUPERVISOR = """
import json, logging, os, sys
from shared.system.processes.keeper import Program
from shared.system.processes.supervision import Supervision

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
one = Supervision(what="the server", state=disk, logs=disk)
ticks, seen = [], []

def each_tick(processes):
    ticks.append(len(ticks))
    if len(ticks) == 2:
        fill()
    if len(ticks) == 5:
        (disk / "filler").unlink()
    return {"tick": len(ticks)}

def stopping():
    seen.append(one.report())
    return len(ticks) == 7

program = Program(name="sleeper", command=("sleep", "1000"), environment=dict(os.environ), folder=disk)
one.serve(lambda: [program], each_tick=each_tick, stopping=stopping, log_bytes=10**6)
print(json.dumps([[report.get("tick"), report["processes"][0]["pid"]] for report in seen if report]))
"""

UPDATE = """
from client.releases.installed import read_installed
from client.releases.place import ReleasesPlace
from shared.errors import GraftError
from tests.hostile_repository import HostileRepository
from tests.integration.release_shop import make_shop, release, updated, write_encoders

away = disk.parent
encoders, world, home = write_encoders(away), HostileRepository(away / "releases"), make_shop(disk)
place = ReleasesPlace(home.releases)
place.pin(world.root_bytes)
release(world, 1, encoders.weak)
updated(home, world)
served = (home.vault / "served.sealed").read_bytes()
release(world, 2, encoders.good)
fill()
try:
    updated(home, world)
except GraftError as error:
    print(error)
print(read_installed(place.installed).current, (home.vault / "served.sealed").read_bytes() == served)
(disk / "filler").unlink()
print(updated(home, world).done, read_installed(place.installed).current)
"""


def on_a_small_disk(tmp_path: Path, script: str, *, size: str) -> list[str]:
    """What the script prints; its ``disk`` is the mounted folder, and ``fill()`` fills it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system for one process")
    (tmp_path / "script.py").write_text(f"from pathlib import Path\ndisk = Path({str(disk)!r})\n{FILL}{script}")
    shell = f"mount -t tmpfs -o size={size} none {disk} && exec {sys.executable} {tmp_path}/script.py"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = ["unshare", "-rm", "sh", "-c", shell]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_run_ends_with_a_sentence_and_goes_on_with_the_same_bytes_once_there_is_room(tmp_path) -> None:
    said, parts, encoder, heads = on_a_small_disk(tmp_path, RUN, size="64m")
    assert said.endswith("disk/run/server: the run cannot be written: No space left on device")
    assert (parts, encoder, heads) == ("[]", "True", "True")


def test_a_supervisor_keeps_its_programs_and_reports_again_once_there_is_room(tmp_path) -> None:
    *said, seen = on_a_small_disk(tmp_path, SUPERVISOR, size="64k")
    assert any("No space left on device" in line for line in said)
    reports = json.loads(seen)
    assert [tick for tick, _ in reports] == [1, 1, 1, 1, 5, 6, 7]
    assert len({pid for _, pid in reports}) == 1


def test_an_update_ends_with_a_sentence_and_is_made_once_there_is_room(tmp_path) -> None:
    said, before, after = on_a_small_disk(tmp_path, UPDATE, size="8m")
    assert "No space left on device" in said
    assert (before, after) == ("1 True", "installed 2")
