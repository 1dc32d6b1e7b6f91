"""Where each platform on record stands: whether it is connected, since when, its last answer, why it takes no part."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.coordinator.enrolment import Enrolled, Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook
from server.engine.absences import NEVER_CONNECTED, OFFLINE, QUEUED, REVOKED, SERVER_STOPPED, Absence, absences_in
from server.engine.database import NodeState, node_states
from server.engine.flwr_command import FlwrCommand
from server.engine.supervisor import supervision
from shared.errors import EngineError

CONNECTED = "connected"
UNKNOWN = "unknown"
_ABSENT = {"registered": NEVER_CONNECTED, "offline": OFFLINE, "unregistered": REVOKED}
"""what the engine calls a platform that is not there"""
_NONE = NodeState("", None)


@dataclass(frozen=True, kw_only=True)
class PlatformStanding:
    """One platform."""

    name: str
    state: str
    """connected, unknown, or why it is not: queued, never-connected, offline, revoked, server-stopped"""
    since: datetime | None
    engine: str
    """the engine's own word"""
    queued: bool
    """whether the engine has yet to be told of its enrolment, or that it was revoked"""
    last: Mapping[str, Any] | None
    """its last answer: run, question, round, and the cause where it was no result"""
    absence: Absence | None
    """why it takes no part; None where it does"""

    @property
    def connected(self) -> bool:
        """Whether it is asked in the next round."""
        return self.state == CONNECTED

    @property
    def revoked(self) -> bool:
        """Whether it may no longer come."""
        return self.state == REVOKED.cause

    def line(self) -> str:
        """For people."""
        since = f" since {self.since.astimezone():%Y-%m-%d %H:%M:%S}" if self.since else ""
        why = f": {self.absence.sentence}" if self.absence else ""
        return f"{self.name}: {self.state}{since}{why}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        absence = self.absence or Absence("", "", "")
        return {
            "connected": self.connected,
            "connection": self.state,
            "since": self.since.isoformat(timespec="seconds") if self.since else "",
            "last_answer": self.last,
            "cause": absence.cause,
            "why": absence.why,
            "do": absence.do,
        }


def standings(home: ServerHome, *, now: datetime) -> list[PlatformStanding]:
    """Of every entry of the register, in its order; raises ConfigError where that is damaged."""
    nodes = node_states(home.database, now=now)
    known = _asked_for(home) if nodes is None else nodes
    runs, entries = RunBook(home.runs).runs(), Enrolment(home.platforms).read()
    absent = _ABSENT if supervision(home).running() else {**_ABSENT, "online": SERVER_STOPPED}
    return [_standing(one, known, runs, absent) for one in entries]


def _standing(
    one: Enrolled, nodes: Mapping[int, NodeState], runs: list[Run], absent: Mapping[str, Absence]
) -> PlatformStanding:
    node = nodes.get(one.node, _NONE) if one.node is not None and not one.revoked else _NONE
    last = last_answer(one.name, runs)
    away = REVOKED if one.revoked else QUEUED if one.node is None else absent.get(node.state)
    state = away.cause if away else CONNECTED if node.state == "online" else UNKNOWN
    absence = away or (last[1] if last else None)
    return PlatformStanding(
        name=one.name,
        state=state,
        since=node.since,
        engine=node.state,
        queued=one.waiting,
        last=last[0] if last else None,
        absence=absence,
    )


def last_answer(name: str, runs: Iterable[Run]) -> tuple[dict[str, Any], Absence | None] | None:
    """The last question to which a platform answered or not: which, and why there was no result; None for none."""
    for run, record in _newest_first(runs):
        absent = absences_in(record)
        if name in absent or name in record["platforms"]:
            absence = absent.get(name)
            asked = {"run": run.number, "question": record["kind"], "round": record["round"]}
            return {**asked, "cause": absence.cause if absence else ""}, absence
    return None


def _newest_first(runs: Iterable[Run]) -> Iterator[tuple[Run, dict[str, Any]]]:
    for run in reversed(list(runs)):
        for record in reversed(run.history()):
            yield run, record


def _asked_for(home: ServerHome) -> dict[int, NodeState]:
    """The engine's own answer, which takes seconds and tells no times; empty where there is none."""
    try:
        return {node: NodeState(state, None) for node, state in FlwrCommand(home).nodes().items()}
    except EngineError:
        return {}
