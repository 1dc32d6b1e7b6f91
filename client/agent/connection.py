"""Whether an agent is connected, since when, and what keeps it from being so: watched while it runs.

The engine's own log says when it was admitted and when an attempt failed; its exit code, that it was refused. Why no
connection is made, a look at the coordinator's door says; where that is open and none is made for long, the SuperNode
is ended, and so started again, as it is where it gave up (``supernode.py``).
"""

import json
import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from client.agent.door import door_of
from client.agent.finding import Cause, Finding
from client.agent.home import AgentHome, MemberSettings
from shared.system.new_lines import NewLines
from shared.system.processes.supervision import Processes
from shared.system.utc_clock import utc_now
from shared.system.whole_file import write_whole

_LOG = logging.getLogger("graft.agent")
SUPERNODE = "supernode"
REFUSED = 0
"""the SuperNode's exit code where it is answered 401: Flower's ``http_retry.py`` ends it as Ctrl-C would"""
CONNECTED = ("SuperNode ID:", "Connection successful after", "Received successfully", "Sent successfully")
FAILED, NOT_ADMITTED = "Connection attempt failed", "[code: 2004]"
"""what it writes: ``start_client_internal.py``, ``http_retry.py``; the code is Flower's for a key that is not known,
and for one whose connection of before, or another agent's with the same key, stands on record"""
FORGOTTEN_SECONDS = 75.0
"""after which a connection that was cut off is forgotten there: two heartbeats of Flower's, and some"""
LOOK_SECONDS = 10.0
"""between two looks at a door that lets nobody in"""
STUCK_SECONDS = 120.0
"""for a SuperNode to connect at an open door; it waits 30 seconds for an answer and 20 between two tries"""
CONNECTING = Finding(cause=Cause.CONNECTING, why="a connection is being made", do="nothing is to be done now")
_REFUSED_BECAUSE = (
    "it was revoked, or another agent connects with this key (a copy of this folder?), or the coordinator was restored "
    "from a backup"
)
_ASK_FIRST = "ask the coordinator's operator before you make a new folder: only a key that was revoked needs one"


def _kill(process: int) -> None:
    """With SIGTERM it would end with the code of one that was refused."""
    os.kill(process, signal.SIGKILL)


@dataclass(kw_only=True)
class Connection:
    """What is known of it; ``look`` after each look at the programs."""

    home: AgentHome
    settings: MemberSettings
    seconds: Callable[[], float]
    """that only grow"""
    look_at_door: Callable[[], Finding | None]
    now: Callable[[], datetime] = utc_now
    kill: Callable[[int], None] = _kill
    """ends a process of this one"""
    connected: bool = False
    _finding: Finding | None = CONNECTING
    _process: int | None = None
    _expelled: bool = False
    """whether it was answered 401"""
    _not_admitted: float | None = None
    """since when"""
    _next_look: float = 0.0
    _connecting: float = 0.0
    """since when nothing but patience is wanted"""
    _log: NewLines = field(init=False)

    def __post_init__(self) -> None:
        self._log = NewLines(self.home.logs / f"{SUPERNODE}.log", from_its_end=True)

    @classmethod
    def of(cls, home: AgentHome, settings: MemberSettings, seconds: Callable[[], float]) -> "Connection":
        """The connection of a folder whose agent begins to run.

        Args:
            home: the agent's folder.
            settings: of the agent; they name the coordinator.
            seconds: gives seconds that only grow.

        Returns:
            a connection that is being made.
        """
        door = door_of(settings, home.authority)
        return cls(home=home, settings=settings, seconds=seconds, look_at_door=door.look)

    def look(self, processes: Processes) -> dict[str, Any]:
        """Look at the programs: whether it is connected, and what stands in the way.

        Args:
            processes: the agent's programs as they run now.

        Returns:
            values for the supervisor's report.
        """
        connected, finding = self.connected, self._finding
        self._follow(next((process for process in processes if process["name"] == SUPERNODE), {}))
        if connected != self.connected:
            self._changed()
        if not self.connected and self.seconds() >= self._next_look:
            self._finding, self._next_look = self._obstacle(), self.seconds() + LOOK_SECONDS
        if self._finding not in (None, finding):
            _LOG.warning("not connected: %s", self._finding.sentence)
        self._end_where_stuck()
        return {"connected": self.connected, "obstacle": self._finding.to_json() if self._finding else None}

    def _follow(self, supernode: Mapping[str, Any]) -> None:
        if supernode.get("pid") != self._process:
            self._process, self.connected, self._connecting = supernode.get("pid"), False, self.seconds()
            self._expelled |= supernode.get("code") == REFUSED
        for line in self._log.read():
            if any(words in line for words in CONNECTED):
                self.connected, self._expelled, self._not_admitted = True, False, None
            elif FAILED in line:
                self.connected = False
            elif NOT_ADMITTED in line and self._not_admitted is None:
                self._not_admitted = self.seconds()

    def _end_where_stuck(self) -> None:
        if self._finding != CONNECTING:
            self._connecting = self.seconds()
        elif self._process is not None and self.seconds() - self._connecting > STUCK_SECONDS:
            _LOG.warning("no connection for %g seconds at an open door; the SuperNode is started again", STUCK_SECONDS)
            self.kill(self._process)
            self._connecting = self.seconds()

    def _obstacle(self) -> Finding:
        """The rules, in order: what is wrong at the door; a key that is not admitted; a connection is being made."""
        door = self.look_at_door()
        if door is not None:
            self._expelled, self._not_admitted = False, None
            return door
        known = bool(known_since(self.home))
        if self._expelled or (self._not_admitted is not None and (not known or self._waited())):
            return _refusal(self.home, self.settings, known=known)
        return CONNECTING

    def _waited(self) -> bool:
        """Whether a connection of before would be forgotten by now."""
        return self._not_admitted is not None and self.seconds() - self._not_admitted > FORGOTTEN_SECONDS

    def _changed(self) -> None:
        if self.connected:
            self._finding = None
            _LOG.info("connected to %s", self.settings.server)
        else:
            self._finding, self._next_look = CONNECTING, 0.0
            _LOG.warning("no longer connected to %s", self.settings.server)
        _keep(self.home, connected=self.connected, now=self.now())

    def rest(self) -> None:
        """Nothing is to be connected for now, and nobody is asked why it is not."""
        self._process, was_connected, self.connected = None, self.connected, False
        if was_connected:
            self._changed()

    def end(self) -> None:
        """The agent ends: what was connected is so no longer."""
        if self.connected:
            _keep(self.home, connected=False, now=self.now())


def _refusal(home: AgentHome, settings: MemberSettings, *, known: bool) -> Finding:
    """One that never was admitted is not enrolled; why one that was is refused, the engine does not say."""
    if known:
        why = f"{settings.server}: the coordinator admits this platform's key no longer: {_REFUSED_BECAUSE}"
        return Finding(cause=Cause.KEY_REFUSED, why=why, do=_ASK_FIRST)
    why = f"{settings.server}: the coordinator does not know this platform's key"
    do = f"send {home.public_key} to the coordinator, who runs graft-server enroll {settings.name} --public-key FILE"
    return Finding(cause=Cause.NOT_ENROLLED, why=why, do=do)


def known_since(home: AgentHome) -> str:
    """When the connection was made or lost last (ISO 8601), as the agent has noted it; empty where it never was."""
    return str(_kept(home).get("since", ""))


def last_known(home: AgentHome) -> str:
    """In words, when an agent that is not connected was so; empty where it never was."""
    facts = _kept(home)
    if not facts.get("since"):
        return ""
    return f"it {'connected last at' if facts.get('connected') else 'was connected until'} {facts['since']}"


def _kept(home: AgentHome) -> dict[str, Any]:
    try:
        facts = json.loads(home.connection.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _keep(home: AgentHome, *, connected: bool, now: datetime) -> None:
    content = {"connected": connected, "since": now.isoformat(timespec="seconds")}
    write_whole(home.connection, json.dumps(content).encode("utf-8"))
