"""Bringing the register of platforms to the engine: who was enrolled is admitted, who was revoked is shut out."""

import logging
from dataclasses import replace
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
