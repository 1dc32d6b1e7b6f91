"""Keeps a few programs running: one that ends is started again, later each time where it ends at once.

Its state file names the processes, so that whoever comes after a keeper that was killed ends what that one left. In a
copy of its folder the file names nobody: what runs belongs to the folder from which it was started.
"""

import json
import logging
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from shared.system.whole_file import write_whole


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start, and how."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    """where it is started"""
    memory_bytes: int = 0
    """of address space that it and each process that it starts may take; 0 sets no bound"""
    endings: Mapping[int, str] = field(default_factory=dict)
    """what an exit code says, for who reads the log"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process, told from a later one with the same number by when it was started."""

    name: str
    pid: int
    started: float
    """seconds since 1970"""

    @property
    def runs(self) -> bool:
        """Whether it, or anything that it started and left behind, is there and more than an entry in the table."""
        members = [
            member for member in map(_seen, psutil.process_iter()) if member is not None and member[0] == self.pid
        ]
        impostor = any(pid == self.pid and abs(started - self.started) >= 1 for _, pid, started in members)
        return bool(members) and not impostor

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group: what it started too.

        Nothing happens where it has ended, or may not be signalled.

        Args:
            number: of the signal.
        """
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def start(program: Program, log: Path) -> tuple[subprocess.Popen[bytes], Process]:
    """Start a program in a group of its own; its output is added to the log.

    Args:
        program: what to start, and how.
        log: file of its output, made where there is none.

    Returns:
        Its handle, and the process as a state file names it.

    Raises:
        OSError: if it cannot be started.
    """
    with log.open("ab") as stream:
        handle = subprocess.Popen(
            program.command,
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if program.memory_bytes:
        resource.prlimit(handle.pid, resource.RLIMIT_AS, (program.memory_bytes, program.memory_bytes))
    return handle, Process(name=program.name, pid=handle.pid, started=psutil.Process(handle.pid).create_time())


def _seen(process: psutil.Process) -> tuple[int, int, float] | None:
    """Group, process id and time of start; None for what has ended."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return os.getpgid(process.pid), process.pid, float(process.create_time())
    except (psutil.Error, ProcessLookupError):
        return None


_LOG = logging.getLogger("graft.processes")
LONGEST_PAUSE = 10.0
"""seconds between two starts of a program that keeps ending"""
STEADY = 60.0
"""seconds after which a program counts as running, and its next end as the first"""
PATIENCE = 10.0
"""seconds between the polite end and the other"""


@dataclass(kw_only=True)
class _Kept:
    program: Program
    handle: subprocess.Popen[bytes] | None = None
    process: Process | None = None
    started_at: float = 0.0
    next_start: float = 0.0
    ends: int = 0
    """one after the other, without a steady time between"""
    restarts: int = 0
    code: int | None = None
    """with which it ended last"""

    @property
    def report(self) -> dict[str, Any]:
        """Name, process id, number of restarts, and the exit code of the last end; None where there is none."""
        pid = self.process.pid if self.process else None
        return {"name": self.program.name, "pid": pid, "restarts": self.restarts, "code": self.code}


class Keeper:
    """Programs in the order in which they are started; they are stopped in the other."""

    def __init__(
        self,
        programs: Iterable[Program],
        *,
        logs: Path,
        state: Path,
        log_bytes: int,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._kept = [_Kept(program=program) for program in programs]
        self._logs = logs
        self._state = state
        self._log_bytes = log_bytes
        self._now = now
        self._sleep = sleep

    def tick(self) -> None:
        """Look once: start what does not run and is due, put aside logs that are full."""
        for child in self._kept:
            self._look(child)
            _put_aside(self._log(child), self._log_bytes)

    def rest(self) -> None:
        """End all that runs, until the next tick."""
        if any(child.process is not None for child in self._kept):
            self.stop()

    def report(self) -> list[dict[str, Any]]:
        """What is said of each."""
        return [child.report for child in self._kept]

    def stop(self) -> None:
        """End all, politely first."""
        for child in reversed(self._kept):
            if child.process is not None and child.handle is not None:
                _end(child.process, partial(_unfinished, child.handle), now=self._now, sleep=self._sleep)
            child.handle = child.process = None
        with suppress(OSError):  # on a full disk the file names processes that have ended, which does no harm
            self._write_state()

    def _look(self, child: _Kept) -> None:
        if child.handle is not None and (code := child.handle.poll()) is not None:
            self._ended(child, code)
        if child.handle is None and self._now() >= child.next_start:
            self._start(child)

    def _ended(self, child: _Kept, code: int) -> None:
        child.ends = 1 if self._now() - child.started_at >= STEADY else child.ends + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (child.ends - 1))
        says = f"{code}, {child.program.endings[code]}" if code in child.program.endings else code
        _LOG.warning("%s ended with %s; started again in %g seconds", child.program.name, says, pause)
        if child.process is not None:
            child.process.signal(signal.SIGKILL)
        child.handle = child.process = None
        child.next_start, child.restarts, child.code = self._now() + pause, child.restarts + 1, code

    def _start(self, child: _Kept) -> None:
        child.handle, child.process = start(child.program, self._log(child))
        child.started_at = self._now()
        _LOG.info("%s runs as process %d", child.program.name, child.process.pid)
        self._write_state()

    def _log(self, child: _Kept) -> Path:
        return self._logs / f"{child.program.name}.log"

    def _write_state(self) -> None:
        running = [asdict(child.process) for child in self._kept if child.process is not None]
        content = {"folder": _identity(self._state.parent), "processes": running}
        write_whole(self._state, json.dumps(content).encode("utf-8"))


def end_leftovers(state: Path, *, now: Callable[[], float], sleep: Callable[[float], None]) -> list[str]:
    """End what a keeper that was killed has left running: politely, and after ``PATIENCE`` seconds the other way.

    Args:
        state: the keeper's state file; nothing is ended where there is none, or it is damaged.
        now: tells the time in seconds.
        sleep: waits so many seconds.

    Returns:
        The names of what was running.
    """
    left = left_running(state)
    for process in left:
        _end(process, partial(getattr, process, "runs"), now=now, sleep=sleep)
    return [process.name for process in left]


def left_running(state: Path) -> list[Process]:
    """What runs of the processes that a keeper has named in its state file."""
    try:
        content = json.loads(state.read_text("utf-8"))
        named = [Process(**values) for values in content["processes"] if content["folder"] == _identity(state.parent)]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []
    return [process for process in named if process.runs]


def _identity(folder: Path) -> int:
    """What a copy of the folder does not share, and the folder keeps where it is moved to."""
    return folder.stat().st_ino


def _unfinished(handle: subprocess.Popen[bytes]) -> bool:
    return handle.poll() is None


def _end(
    process: Process, runs: Callable[[], bool], *, now: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    """Politely, then not; what the process has started ends with it."""
    process.signal(signal.SIGTERM)
    deadline = now() + PATIENCE
    while runs() and now() < deadline:
        sleep(0.1)
    process.signal(signal.SIGKILL)
    while runs() and now() < deadline + PATIENCE:
        sleep(0.1)


def _put_aside(log: Path, most: int) -> None:
    """Where the log is full, keep a copy beside it and empty it: the program writes on at its new end."""
    if log.exists() and log.stat().st_size > most:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as stream:
            stream.truncate(0)
