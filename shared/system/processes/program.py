"""A program that is to be kept running, and the process that it is now."""

import os
import resource
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil


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
        members = [one for one in map(_seen, psutil.process_iter()) if one is not None and one[0] == self.pid]
        impostor = any(pid == self.pid and abs(started - self.started) >= 1 for _, pid, started in members)
        return bool(members) and not impostor

    def signal(self, number: signal.Signals) -> None:
        """To its whole group: what it started too."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def start(program: Program, log: Path) -> tuple[subprocess.Popen[bytes], Process]:
    """Start it in a group of its own; its output is added to the log. Raises OSError where it cannot be started."""
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
