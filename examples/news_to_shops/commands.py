"""Graft's commands, run as a person would type them, shown with what they print; and what was started is ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MAIN = {"graft-sim": "simulations.cli.main", "graft-client": "client.cli.main", "graft-server": "server.cli.main"}
"""where each command's ``main`` is: those of this Python, whatever else is on the PATH"""
SECONDS = 900.0
"""that a command may take on a machine that does much else"""
REFUSED = 2
"""how a command ends that takes nothing of what it was given"""
PATIENCE = 60.0
"""seconds for a command to end when it is asked to"""


class CommandFailed(Exception):
    """A command ended otherwise than it should."""


@dataclass
class Commands:
    """Commands in one folder."""

    folder: Path
    _to_stop: list[tuple[str, ...]] = field(default_factory=list)
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *words: object, quiet: bool = False) -> str:
        """Run it to its end; what it prints is shown, and returned. Raises CommandFailed."""
        printed, errors, code = self._ended(words)
        if code != 0:
            raise CommandFailed(f"{' '.join(map(str, words))} ended with {code}: {errors.strip()[-2000:]}")
        if not quiet:
            _shown(printed)
        return printed

    def is_refused(self, *words: object) -> bool:
        """Run what may be refused, and show what it says; raises CommandFailed where it ends otherwise."""
        printed, errors, code = self._ended(words)
        if code not in (0, REFUSED):
            raise CommandFailed(f"{' '.join(map(str, words))} ended with {code}: {errors.strip()[-2000:]}")
        _shown(errors if code else printed)
        return code == REFUSED

    def started(self, *words: str) -> None:
        """Note a command that ends what was started in the background."""
        self._to_stop.append(words)

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start a program that runs until it is told to stop; its first line shows that it runs."""
        line = [str(word) for word in words]
        print(f"  $ {' '.join(line)} &", flush=True)
        process = self._begun(line)
        self._processes.append(process)
        return process

    def end_all(self) -> None:
        """Everything that was started, the last first."""
        for process in reversed(self._processes):
            _end(process, signal.SIGTERM)
        self._processes.clear()
        while self._to_stop:
            words = self._to_stop.pop()
            subprocess.run(_command(words), cwd=self.folder, capture_output=True, timeout=SECONDS, check=False)

    def _ended(self, words: Sequence[object]) -> tuple[str, str, int]:
        """What it printed, what it said of errors, and how it ended."""
        line = [str(word) for word in words]
        print(f"  $ {' '.join(line)}", flush=True)
        process = self._begun(line, stderr=subprocess.PIPE)
        try:
            printed, errors = process.communicate(timeout=SECONDS)
        finally:
            _end(process, signal.SIGINT)
        return printed, errors, process.returncode

    def _begun(self, line: Sequence[str], stderr: int | None = None) -> "subprocess.Popen[str]":
        """In a group of its own: Ctrl-C comes to the story alone, which then ends all in its order."""
        return subprocess.Popen(
            _command(line),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        return {"OMP_NUM_THREADS": "1", **os.environ, "COLUMNS": "110"}


def _shown(text: str) -> None:
    print("".join(f"    {line}\n" for line in text.strip().splitlines()), end="", flush=True)


def _end(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """With all that it has started itself, politely first; nothing where it has ended."""
    for attempt in (number, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, attempt)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)


def _command(words: Sequence[str]) -> list[str]:
    start = f"import sys; sys.argv[0] = {words[0]!r}; from {MAIN[words[0]]} import main; main()"
    return [sys.executable, "-P", "-c", start, *words[1:]]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Raises CommandFailed where it does not come about."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise CommandFailed(f"{what}: not within {SECONDS:g} seconds")
        time.sleep(0.5)
