"""What a supervisor that was killed leaves: a process that runs on, and a state file that names it."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from shared.system.processes.keeper import Program, start


@contextmanager
def left_behind(state: Path, name: str) -> Iterator[int]:
    """In the folder of a ``Supervision``; the process's number."""
    sleeps = (sys.executable, "-c", "import time; time.sleep(600)")
    program = Program(name=name, command=sleeps, environment=dict(os.environ), folder=state)
    handle, process = start(program, state / f"{name}.log")
    (state / "processes.json").write_text(json.dumps([asdict(process)]))
    try:
        yield process.pid
    finally:
        handle.kill()
        handle.wait()
