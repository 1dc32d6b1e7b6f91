"""Bringing the register of platforms to the engine: who is admitted, who is shut out, and how many are online."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from server.coordinator.enrolment import Enrolled, Enrolment
from server.engine.flwr_command import FlwrCommand
from shared.errors import EngineError

_LOG = logging.getLogger("graft.server")


def admit(register: Enrolment, engine: FlwrCommand) -> None:
    """Tell the engine all that it has yet to be told, and keep what it answers.

    Raises EngineError where it gives no answer; what it was told until then is kept.
    """
    for one in register.read():
        if one.waiting:
            told = _shut_out(one, engine) if one.revoked else replace(one, node=_admitted(one, register, engine))
            register.update(partial(_merged, told))
            _LOG.info("%s: %s", one.name, "revoked" if one.revoked else "admitted")


def _admitted(one: Enrolled, register: Enrolment, engine: FlwrCommand) -> int:
    """The node's id; where the engine knows the key already, an answer of it was lost, and the one id is taken that
    belongs to nobody on record."""
    try:
        return engine.register(one.name, one.key)
    except EngineError as error:
        if "in use" not in str(error):
            raise
        known = {other.node for other in register.read()}
        unknown = [node for node in engine.nodes() if node not in known]
        if len(unknown) != 1:
            raise
        return unknown[0]


def _shut_out(one: Enrolled, engine: FlwrCommand) -> Enrolled:
    if one.node is not None and engine.nodes().get(one.node, "unregistered") != "unregistered":
        engine.unregister(one.node)
    return replace(one, gone=True)


def _merged(told: Enrolled, found: Enrolled) -> Enrolled:
    """What stands on record, which may have been revoked meanwhile, with what the engine was told."""
    return replace(found, node=told.node, gone=told.gone) if found.key == told.key else found


LOOK_SECONDS = 30.0
"""between two questions: each starts a process of Flower's"""


@dataclass(kw_only=True)
class Attendance:
    """The last answer."""

    engine: FlwrCommand
    register: Enrolment
    now: Callable[[], float]
    online: int = field(default=0, init=False)
    _next_look: float = field(default=0.0, init=False)

    def look(self) -> None:
        """Where it is time; raises EngineError where the engine gives no answer, and nobody counts as online then."""
        if self.now() < self._next_look:
            return
        self._next_look, self.online = self.now() + LOOK_SECONDS, 0
        nodes = self.engine.nodes()
        admitted = [one.node for one in self.register.read() if not one.revoked and one.node is not None]
        self.online = sum(nodes.get(node) == "online" for node in admitted)
