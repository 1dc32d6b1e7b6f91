"""The surroundings in which every program of Flower's runs here: a home of its own, and nothing sent to anybody."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from shared.system import plain_log

BIN = Path(sys.executable).parent


def program(name: str) -> str:
    """The full path of one of Flower's programs."""
    return str(BIN / name)


def engine_program(name: str) -> tuple[str, ...]:
    """The command of one of Flower's programs whose log has times and no colours."""
    return sys.executable, "-P", str(Path(plain_log.__file__)), name


def script(command: tuple[str, ...]) -> bytes:
    """A program for a folder on a PATH: the command, with whatever arguments it is given behind it."""
    return f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'.encode()


def engine_environment(home: Path) -> dict[str, str]:
    """No telemetry, no look for updates, no installation of dependencies; programs are found beside this Python."""
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


def run_flwr(*arguments: str, home: Path, folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run Flower's own command in a folder to its end.

    Args:
        *arguments: words behind ``flwr``.
        home: folder of Flower's own files (``engine_environment``).
        folder: where it runs.
        seconds: after which it is ended.

    Returns:
        Its exit code, whatever that is, and its output as text.

    Raises:
        OSError: if it cannot be started.
        TimeoutExpired: if it takes longer than ``seconds``.
    """
    return subprocess.run(
        [program("flwr"), *arguments],
        cwd=folder,
        env=engine_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
