"""What a supervisor that was killed leaves: a process that runs on, and a state file that names it."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.system.processes.keeper import Keeper, Program


@contextmanager
def left_behind(state: Path, name: str) -> Iterator[int]:
    """In the folder of a ``Supervision``; the process's number."""
    sleeps = (sys.executable, "-c", "import time; time.sleep(600)")
    keeper = Keeper(
        [Program(name=name, command=sleeps, environment=dict(os.environ), folder=state)],
        logs=state,
        state=state / "processes.json",
        log_bytes=10**6,
        now=time.monotonic,
        sleep=time.sleep,
    )
    keeper.tick()
    try:
        yield keeper.report()[0]["pid"]
    finally:
        keeper.stop()
