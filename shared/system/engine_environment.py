"""The surroundings in which every program of Flower's runs here: a home of its own, and nothing sent to anybody."""

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def program(name: str) -> str:
    """The full path of one of Flower's programs."""
    return str(BIN / name)


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
    """Run Flower's own command in a folder to its end; raises OSError, or TimeoutExpired after so many seconds."""
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
