"""The three commands, each in a process of its own that has read this working tree."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

REPOSITORY = Path(__file__).parents[2]
MODULES = {
    "graft-sim": "simulations.cli.main",
    "graft-client": "client.cli.main",
    "graft-server": "server.cli.main",
    "graft-device": "client.joined.cli.main",
}
"""What ``pyproject.toml`` names as the console scripts: ``main`` in each."""
SERVER = "GRAFT_TEST_COMMANDS"
"""the environment variable that holds the socket of the process whose copies the commands are"""

FAMILY = (socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Started:
    """A command that runs, as ``subprocess.Popen`` would show it."""

    def __init__(self, request: Mapping[str, object]) -> None:
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        self._server = socket.socket(*FAMILY)
        self._server.connect(os.environ[SERVER])
        socket.send_fds(self._server, [json.dumps(request).encode()], [out_end, err_end])
        for end in (out_end, err_end):
            os.close(end)
        self.stdout: TextIO = open(out, encoding="utf-8")  # noqa: SIM115
        self.stderr: TextIO = open(err, encoding="utf-8")  # noqa: SIM115
        self.args = [request["command"], *request["arguments"]]
        self.pid = int(self._server.recv(64))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises TimeoutExpired."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._server.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """To it alone, where it has not ended."""
        try:
            self.wait(0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):  # it has ended, and its code is on its way
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; all that it said on stdout and stderr."""
        with self.stdout, self.stderr, ThreadPoolExecutor(2) as readers:
            out, err = readers.submit(self.stdout.read), readers.submit(self.stderr.read)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            return out.result(), err.result()


@contextmanager
def command_server() -> Iterator[None]:
    """While it lasts, commands can be started, by this process and those that it starts."""
    with tempfile.TemporaryDirectory(prefix="graft-") as folder, socket.socket(*FAMILY) as listener:
        os.environ[SERVER] = str(Path(folder) / "commands.sock")
        listener.bind(os.environ[SERVER])
        listener.listen(64)
        handle = listener.fileno()
        script = f"from tests.integration.command_server import main; main({handle})"
        command = [sys.executable, "-c", script]
        given = {"cwd": REPOSITORY, "env": _environment(0), "stdin": subprocess.PIPE, "pass_fds": [handle]}
        with subprocess.Popen(command, **given):  # which ends it by ending its stdin
            listener.close()  # else who asks would wait for ever where the server has ended
            yield


def start(command: str, *arguments: object, own_group: bool = False, folder: Path = REPOSITORY) -> Started:
    """Start a command in a folder; one thread, so that parallel tests do not wait for each other."""
    return Started(
        {
            "command": command,
            "module": MODULES[command],
            "arguments": [str(one) for one in arguments],
            "folder": str(folder),
            "environment": _environment(0),
            "own_group": own_group,
        }
    )


def start_anew(command: str, *arguments: object, hash_seed: int) -> subprocess.Popen[str]:
    """Start a command in a process that reads all anew, with a seed of its own for hashes."""
    script = f"import sys; sys.argv[0] = {command!r}; from {MODULES[command]} import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=_environment(hash_seed),
    )


def _environment(hash_seed: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
    }


def finished(process: Started | subprocess.Popen[str], *, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Wait for it; its exit code, stdout and stderr."""
    stdout, stderr = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def exit_code(process: Started, *, seconds: float) -> int:
    """Wait for it; where it does not end, what it said and what each of its threads is at are the failure."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        raise AssertionError(f"still there after {seconds:g} s: {finished(process).stderr}") from None


def run(command: str, *arguments: object, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return finished(start(command, *arguments), seconds=seconds)


def ends_within(group: int, *, seconds: float) -> bool:
    """Whether the last process of a group ends by then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _running(group):
            return True
        time.sleep(0.1)
    return False


def _running(group: int) -> bool:
    """Whether a process of the group is there that is more than an entry in the table."""
    table = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return any(int(pgid) == group and not state.startswith("Z") for pgid, state in rows)
