"""Where each platform on record stands: whether it is connected, since when, its last answer, why it takes no part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from server.coordinator.certificates import expiry
from server.coordinator.enrolment import Enrolled, Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.moments_shown import moment_words
from server.coordinator.run_book import Run, RunBook
from server.engine.absences import (
    BEING_TOLD,
    EXPIRED,
    NEVER_CONNECTED,
    OFFLINE,
    QUEUED,
    REVOKED,
    SERVER_STOPPED,
    TRAIN,
    Absence,
    absences_in,
)
from server.engine.database import NodeState, node_states
from server.engine.flwr_command import FlwrCommand
from server.engine.round_lines import question_words
from server.engine.supervisor import supervision
from shared.errors import EngineError

CONNECTED = "connected"
UNKNOWN = "unknown"
_UNTOLD = "untold"
_ABSENT = {_UNTOLD: BEING_TOLD, "registered": NEVER_CONNECTED, "offline": OFFLINE, "unregistered": REVOKED}
"""why a platform is not there, by what the engine calls it, or where it has yet to be told of it"""
_NONE = NodeState("", None)
_AGAIN = "it is connected now; where it happens again: a longer deadline-seconds, and graft-client status there"


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
    """its last answer: run, question, round, both in words, and the cause where it was no result"""
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
        since = f" since {moment_words(self.since)}" if self.since else ""
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


def standings(home: ServerHome, *, now: datetime, may_ask: bool = True) -> list[PlatformStanding]:
    """Of every entry of the register, in its order; raises ConfigError where that is damaged.

    Args:
        home: the coordinator's folder.
        now: as of when.
        may_ask: whether the engine itself may be asked, where its database does not tell; else the state is unknown.
    """
    nodes = node_states(home.database, now=now)
    known = nodes if nodes is not None else _asked_for(home) if may_ask else {}
    runs, entries = RunBook(home.runs).runs(), Enrolment(home.platforms).read()
    supervised = supervision(home)
    runs_on = supervised.running() or supervised.left()
    absent = _ABSENT if runs_on else {**_ABSENT, _UNTOLD: QUEUED, "online": SERVER_STOPPED}
    expired = expiry(home.certificate) <= now
    all_standings = (_standing(entry, known, runs, absent, expired=expired) for entry in entries)
    return [
        replace(standing, absence=standing.absence.of_folder(home.folder)) if standing.absence else standing
        for standing in all_standings
    ]


def _standing(
    entry: Enrolled, nodes: Mapping[int, NodeState], runs: list[Run], absent: Mapping[str, Absence], *, expired: bool
) -> PlatformStanding:
    node = nodes.get(entry.node, _NONE) if entry.node is not None and not entry.revoked else _NONE
    last = last_answer(entry.name, runs)
    away = REVOKED if entry.revoked else absent.get(_UNTOLD if entry.node is None else node.state)
    state = away.cause if away else CONNECTED if node.state == "online" else UNKNOWN
    absence = EXPIRED if expired and away in (NEVER_CONNECTED, OFFLINE) else away or (last[1] if last else None)
    if absence is not None and absence.silent and state == CONNECTED:
        absence = replace(absence, do=_AGAIN)
    return PlatformStanding(
        name=entry.name,
        state=state,
        since=None if away is SERVER_STOPPED else node.since,
        engine=node.state,
        queued=entry.waiting,
        last=last[0] if last else None,
        absence=absence,
    )


def last_answer(name: str, runs: Iterable[Run]) -> tuple[dict[str, Any], Absence | None] | None:
    """The last question to which a platform answered or not, and why it takes no part.

    Whoever evaluates what it could not train takes no part in that round.

    Args:
        name: the platform's name.
        runs: the coordinator's runs, the oldest first.

    Returns:
        The answer with the keys run, question, round, words, cause and why (empty where it was a result), and why
        the platform takes no part (None where it does); None where it was never asked.
    """
    for run in reversed(list(runs)):
        history = run.history()
        questions = [record for record in history if name in record["platforms"] or name in absences_in(record)]
        if questions:
            last, absence = questions[-1], absences_in(questions[-1]).get(name)
            trained = (record for record in questions if (record["kind"], record["round"]) == (TRAIN, last["round"]))
            training = next((absences_in(record).get(name) for record in trained), None)
            answer = {"run": run.number, "question": last["kind"], "round": last["round"]}
            answer["words"] = question_words(last, history)
            answer |= {"cause": absence.cause, "why": absence.why} if absence else {"cause": "", "why": ""}
            return answer, training or absence
    return None


def _asked_for(home: ServerHome) -> dict[int, NodeState]:
    """The engine's own answer, which takes seconds and tells no times; empty where there is none."""
    try:
        return {node: NodeState(state, None) for node, state in FlwrCommand(home).nodes().items()}
    except EngineError:
        return {}
