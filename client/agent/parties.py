"""The platforms that an agent knows for secure sums, in words and as plain values."""

from dataclasses import asdict
from typing import Any

from client.agent.home import AgentHome
from client.rounds.known_parties import KnownParties, KnownParty
from client.rounds.own_party import OwnParty
from shared.secure_sum.introduction import node_fingerprint


def parties_json(parties: KnownParties) -> dict[str, Any]:
    """Known, new, and with another key than the one that is known."""
    return {
        "known": [asdict(party) for party in parties.known.values()],
        "new": [asdict(party) for party in parties.waiting.values() if party.name not in parties.known],
        "changed": [asdict(party) for party in parties.waiting.values() if party.name in parties.known],
    }


def parties_lines(own_party: OwnParty, home: AgentHome) -> list[str]:
    """The platforms that the agent knows, for people.

    Args:
        own_party: what the agent keeps of secure sums.
        home: the agent's folder, which holds the public key.

    Returns:
        lines of text; the last says what is to be done, where somebody waits.
    """
    parties = own_party.parties
    mine = node_fingerprint(home.public_key.read_text("utf-8"))
    lines = [f"{own_party.name}: this platform, {mine}"]
    lines += [_line(party, "known") for party in parties.known.values() if party.name != own_party.name]
    if not parties.known:
        lines.append("no platform is known yet: the coordinator's first masked run introduces them")
    for party in parties.waiting.values():
        before = parties.known.get(party.name)
        lines.append(_line(party, "new" if before is None else "another key"))
        if before is not None:
            lines.append(f"  known by {_keys(before)}")
    return [*lines, *([waiting_words(parties, home)] if parties.waiting else [])]


def waiting_words(parties: KnownParties, home: AgentHome) -> str:
    """What is to be done about platforms that wait to be accepted.

    Args:
        parties: the platforms that the agent knows.
        home: the agent's folder, for the command.

    Returns:
        a sentence; empty where nobody waits.
    """
    if not parties.waiting:
        return ""
    names = ", ".join(parties.waiting)
    accept = " ".join(f"--accept {name}" for name in parties.waiting)
    compare = "compare fingerprints with their operators (ssh-keygen -lf node.key.pub), then"
    return f"not summed with until accepted: {names}; {compare} graft-client parties {home.folder} {accept}"


def _line(party: KnownParty, state: str) -> str:
    since = f" since {party.since}" if party.since else ""
    return f"{party.name}: {state}{since}, {_keys(party)}"


def _keys(party: KnownParty) -> str:
    """Of both keys what can be compared."""
    return f"{party.node or 'no node key'}, key for sums {party.key[:16]}"
