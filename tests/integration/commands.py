"""The three commands, each in a process of its own that imports this working tree."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MODULES = {"graft-sim": "simulations.cli.main", "graft-client": "client.cli.main", "graft-server": "server.cli.main"}
"""What ``pyproject.toml`` names as the console scripts: ``main`` in each."""


def start(
    command: str, *arguments: object, hash_seed: int = 0, own_group: bool = False, folder: Path = REPOSITORY
) -> subprocess.Popen[str]:
    """Start a command in a folder; one thread, so that parallel tests do not wait for each other."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
    }
    script = f"import sys; sys.argv[0] = {command!r}; from {MODULES[command]} import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
        start_new_session=own_group,
    )


def finished(process: subprocess.Popen[str], *, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Wait for it; its exit code, stdout and stderr."""
    stdout, stderr = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def exit_code(process: subprocess.Popen[str], *, seconds: float) -> int:
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
