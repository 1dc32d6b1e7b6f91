"""The process that has a task's libraries in memory: its copies are the gate, and it is of no other use."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from client.guard import warm_start
from client.guard.approved_bundles import write_programs
from client.guard.gatekeeper import CLIENT_APP

TASKS = "tasks.sock"
SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where an engine runs, its programs beside it."""
    tmp_path = tmp_path_factory.mktemp("warm")
    write_programs(tmp_path / "programs", tmp_path / "approved.txt", TASKS)
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture(scope="module")
def warm(folder) -> Iterator[psutil.Process]:
    """The process, its libraries read."""
    command = [sys.executable, "-I", warm_start.__file__, TASKS]
    environment = {"PATH": "/usr/bin", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + SECONDS
        while not (folder / TASKS).exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield psutil.Process(process.pid)
        process.kill()


def task(folder: Path, *arguments: str) -> str:
    """What a task prints, until all that writes there has ended."""
    done = subprocess.run(
        [str(folder.parent / "programs" / CLIENT_APP), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_copy_stands_behind_the_gate(folder, warm) -> None:
    """A program that has no work on a platform is refused by the copy as by the program."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.connect(str(folder / TASKS))
        with (folder / "output").open("w+b") as output:
            command = json.dumps(["approved.txt", "flwr-agentapp"]).encode()
            socket.send_fds(caller, [command], [output.fileno(), output.fileno()])
            assert caller.recv(16)
            deadline = time.monotonic() + SECONDS
            while not (said := (folder / "output").read_text()):
                assert time.monotonic() < deadline
                time.sleep(0.05)
    assert "flwr-agentapp is not run on a platform" in said


def test_has_one_thread_and_nothing_of_what_a_bundle_brings(folder, warm) -> None:
    assert warm.num_threads() == 1
    names = {path.name for path in map(Path, (one.path for one in warm.memory_maps())) if path.suffix == ".so"}
    assert any("torch" in name for name in names)
    assert not any(name.startswith("polars") for name in names)


def test_is_opened_by_its_user_alone_and_outlives_what_is_no_task(folder, warm) -> None:
    assert (folder / TASKS).stat().st_mode & 0o077 == 0
    for said in (b"", b"no json", b"{}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
            caller.connect(str(folder / TASKS))
            caller.send(said)
            caller.settimeout(SECONDS)
            assert caller.recv(16) == b""
    assert "--runtime-api-address" in task(folder, "--help")


def test_a_copy_does_what_the_program_does_and_without_the_process_the_program_does(folder, warm) -> None:
    copied, again = task(folder, "--help"), task(folder, "--help")
    warm.kill()
    warm.wait()
    alone = task(folder, "--help")
    assert copied == again == alone
    assert "--runtime-api-address" in alone


@pytest.mark.parametrize(
    ("code", "status", "said"), [(None, 0, ""), (0, 0, ""), (3, 3, ""), ("not today", 1, "not today\n")]
)
def test_a_copy_ends_as_the_program_would(code, status, said, capsys) -> None:
    assert warm_start.ended(lambda: sys.exit(code)) == status
    assert capsys.readouterr().err == said


def test_a_copy_whose_task_breaks_says_where_and_ends_with_1(capsys) -> None:
    assert warm_start.ended(lambda: 1 // 0) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_copy_that_did_its_task_ends_with_0() -> None:
    assert warm_start.ended(lambda: None) == 0
