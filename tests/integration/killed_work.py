"""Updates and roll-backs in processes that get SIGKILL at their so many-th change to the disk.

``python -m tests.integration.killed_work`` has read what they need and has begun no thread; each line on stdin, a JSON
list of MOMENT, ``update`` or ``roll-back``, the agent's folder and the source, is done by a copy of it, and answered by
a line: ``killed``, or how many changes were made.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.api import releases
from shared.errors import GraftError

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate")
"""what Python tells its audit hooks of a change to the disk, beside files that are opened to be written"""


class KilledWork:
    """What gives orders to that process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def killed_at(self, moment: int, work: str, agent: Path, source: Path) -> int | None:
        """None where it was killed; else how many changes it made, and it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([moment, work, str(agent), str(source)]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        return None if answer == "killed" else int(answer)


@contextmanager
def killed_work() -> Iterator[KilledWork]:
    """The process, until the block ends."""
    command = [sys.executable, "-m", "tests.integration.killed_work"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield KilledWork(process)
        process.kill()


def _work(moment: int, work: str, agent: str, source: str) -> None:
    seen = 0

    def hook(event: str, given: tuple[object, ...]) -> None:
        nonlocal seen
        is_written = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
        if event in CHANGES or is_written:
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        if work == "update":
            releases.update(agent, sources=(source,), own=False)
        else:
            releases.roll_back(agent)
    except GraftError as error:
        sys.stderr.write(f"{error}\n")
    os.write(1, f"{seen}\n".encode())


def main() -> None:
    """Answer orders until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _work(*json.loads(line))
            os._exit(0)
        if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            os.write(1, b"killed\n")


if __name__ == "__main__":
    import client.fitting.served_fit

    assert client.fitting.served_fit
    main()
