"""The platforms that an agent knows for secure sums, in words and as plain values."""

from dataclasses import asdict
from typing import Any

from client.agent.home import AgentHome
from client.rounds.known_parties import KnownParties, KnownParty
from client.rounds.own_party import OwnParty
from shared.secure_sum.introduction import node_fingerprint


def parties_json(found: KnownParties) -> dict[str, Any]:
    """Known, new, and with another key than the one that is known."""
    return {
        "known": [asdict(one) for one in found.known.values()],
        "new": [asdict(one) for one in found.waiting.values() if one.name not in found.known],
        "changed": [asdict(one) for one in found.waiting.values() if one.name in found.known],
    }


def parties_lines(own: OwnParty, home: AgentHome) -> list[str]:
    """For people."""
    found = own.parties
    mine = node_fingerprint(home.public_key.read_text("utf-8"))
    lines = [f"{own.name}: this platform, {mine}"]
    lines += [_line(one, "known") for one in found.known.values() if one.name != own.name]
    if not found.known:
        lines.append("no platform is known yet: the coordinator's first masked run introduces them")
    for one in found.waiting.values():
        before = found.known.get(one.name)
        lines.append(_line(one, "new" if before is None else "another key"))
        if before is not None:
            lines.append(f"  known by {_keys(before)}")
    return [*lines, *([waiting_words(found, home)] if found.waiting else [])]


def waiting_words(found: KnownParties, home: AgentHome) -> str:
    """What is to be done; empty where nobody waits."""
    if not found.waiting:
        return ""
    names = ", ".join(found.waiting)
    accept = " ".join(f"--accept {name}" for name in found.waiting)
    compare = "compare fingerprints with their operators (ssh-keygen -lf node.key.pub), then"
    return f"not summed with until accepted: {names}; {compare} graft-client parties {home.folder} {accept}"


def _line(one: KnownParty, state: str) -> str:
    since = f" since {one.since}" if one.since else ""
    return f"{one.name}: {state}{since}, {_keys(one)}"


def _keys(one: KnownParty) -> str:
    """Of both keys what can be compared."""
    return f"{one.node or 'no node key'}, key for sums {one.key[:16]}"
