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

    Args:
        register: who is admitted and who is revoked; what the engine answers is written there.
        engine: is told.

    Raises:
        EngineError: if the engine gives no answer; what it was told until then is kept.
        ConfigError: if the register is damaged.
    """
    for entry in register.read():
        if entry.waiting:
            updated = (
                _shut_out(entry, engine) if entry.revoked else replace(entry, node=_admitted(entry, register, engine))
            )
            register.update(partial(_merged, updated))
            _LOG.info("%s: %s", entry.name, "revoked" if entry.revoked else "admitted")


def _admitted(entry: Enrolled, register: Enrolment, engine: FlwrCommand) -> int:
    """The node's id.

    Where the engine knows the key already, an answer of it was lost, and the one id is taken that belongs to nobody on
    record.
    """
    try:
        return engine.register(entry.name, entry.key)
    except EngineError as error:
        if "in use" not in str(error):
            raise
        known = {other.node for other in register.read()}
        unknown = [node for node in engine.nodes() if node not in known]
        if len(unknown) != 1:
            raise
        return unknown[0]


def _shut_out(entry: Enrolled, engine: FlwrCommand) -> Enrolled:
    if entry.node is not None and engine.nodes().get(entry.node, "unregistered") != "unregistered":
        engine.unregister(entry.node)
    return replace(entry, gone=True)


def _merged(updated: Enrolled, recorded: Enrolled) -> Enrolled:
    """What stands on record, which may have been revoked meanwhile, with what the engine was told."""
    return replace(recorded, node=updated.node, gone=updated.gone) if recorded.key == updated.key else recorded


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
        admitted = [entry.node for entry in self.register.read() if not entry.revoked and entry.node is not None]
        self.online = sum(nodes.get(node) == "online" for node in admitted)
