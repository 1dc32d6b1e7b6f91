"""Updates that a running agent makes by itself: ``graft-client update``, as often as its settings say."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from client.agent.home import AgentHome, AgentSettings
from client.releases.installed import read_installed, seconds_since_look
from client.releases.place import ReleasesPlace
from shared.system.processes.keeper import Process, Program, start
from shared.system.utc_clock import utc_now

HOUR = 3600.0
PAUSE_SECONDS = 60.0
"""at least, between two updates that are begun"""
MIB = 2**20


@dataclass(kw_only=True)
class OwnUpdates:
    """``look`` at each tick of the agent, ``end`` with it."""

    home: AgentHome
    settings: AgentSettings
    seconds: Callable[[], float]
    """that only grow"""
    now: Callable[[], datetime] = utc_now
    _running: tuple["subprocess.Popen[bytes]", Process] | None = field(default=None, init=False)
    _not_before: float = field(default=float("-inf"), init=False)

    def look(self) -> bool:
        """Whether an update is under way; one is begun where it is due. Raises GraftError or OSError."""
        if self._running is not None and self._running[0].poll() is not None:
            self._running = None
        if self._running is None and self._is_due():
            self._not_before = self.seconds() + PAUSE_SECONDS
            self._running = start(self._program(), self.home.logs / "update.log")
        return self._running is not None

    def end(self) -> None:
        """The agent ends, and an update under way with it; what is served stays as it is."""
        if self._running is not None and self._running[0].poll() is None:
            handle, _ = self._running
            handle.terminate()
            handle.wait()

    def _is_due(self) -> bool:
        if not self.settings.update_every or self.seconds() < self._not_before:
            return False
        installed = read_installed(ReleasesPlace(self.home.releases).installed)
        return seconds_since_look(installed, self.now()) >= self.settings.update_every * HOUR

    def _program(self) -> Program:
        return Program(
            name="update",
            command=(sys.executable, "-P", "-m", "client.cli.main", "update", str(self.home.folder)),
            environment={**os.environ, "OMP_NUM_THREADS": str(self.settings.threads)},
            folder=self.home.state,
            memory_bytes=self.settings.memory_mib * MIB,
        )
