"""The two commands, each in a process of its own that imports this working tree."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MODULES = {"graft-sim": "simulations.cli", "graft-client": "client.cli"}
"""What ``pyproject.toml`` names as the console scripts: ``main`` in each."""


def start(command: str, *arguments: object, hash_seed: int = 0) -> subprocess.Popen[str]:
    """Start ``graft-sim`` or ``graft-client``; one thread, so that parallel tests do not wait for each other."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(hash_seed),
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
        cwd=REPOSITORY,
        env=environment,
    )


def finished(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for it; its exit code, stdout and stderr."""
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def run(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return finished(start(command, *arguments))
