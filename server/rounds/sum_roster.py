"""The platforms that a masked run may sum over: their keys, what introduces them, and whom earlier sums were of."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from server.rounds.summed_sets import SummedSets
from shared.errors import ConfigError
from shared.federation.config import LEAST_MASKED
from shared.secure_sum.introduction import Introduction, introductions_to_bytes, read_introductions
from shared.secure_sum.roster import Member, Roster

LEFT_OUT, NO_SUM_KEY = "left-out", "no-sum-key"
"""why a platform that is online is not asked: it stands for its answer in a run's history"""
_KEY, _NODE, _SIGNED = "key", "node", "signed"


@dataclass(frozen=True, eq=False, kw_only=True)
class SumRoster:
    """All that are registered with a key for sums."""

    roster: Roster
    introductions: bytes = b""
    """of them all, for platforms that do not know each other yet; empty where they were pinned otherwise"""
    summed: SummedSets = field(default_factory=SummedSets)

    def introducing(self, parties: Collection[str]) -> bytes:
        """What introduces these parties alone; empty where none was introduced."""
        chosen = [each for each in self._introduced if each.member.party in parties]
        return introductions_to_bytes(chosen) if chosen else b""

    @cached_property
    def _introduced(self) -> tuple[Introduction, ...]:
        return read_introductions(self.introductions) if self.introductions else ()


def roster_text(roster: Roster) -> str:
    """Names and keys as one value of a run config, for platforms that know each other already."""
    return json.dumps({member.party: {_KEY: member.key.hex()} for member in roster.members}, sort_keys=True)


def introduced_text(introductions: Iterable[Introduction]) -> str:
    """Names, keys and what introduces each; empty for fewer than two, of whom no sum can be."""
    entries = {
        introduction.member.party: {
            _KEY: introduction.member.key.hex(),
            _NODE: introduction.node_key,
            _SIGNED: introduction.endorsement.hex(),
        }
        for introduction in introductions
    }
    return json.dumps(entries, sort_keys=True) if len(entries) > 1 else ""


def roster_of(text: str, summed: Path | None = None, least: int = LEAST_MASKED) -> SumRoster | None:
    """The inverse of ``roster_text`` and ``introduced_text``.

    Args:
        text: as one of them gives it.
        summed: the file of the sets that were summed; None: they are remembered as long as the object lives.
        least: by how many platforms two sets must differ.

    Returns:
        The roster; None of an empty text.

    Raises:
        ConfigError: if the text does not give each platform a key.
    """
    if not text:
        return None
    try:
        entries = json.loads(text)
        roster = Roster.of(_member(name, entry) for name, entry in entries.items())
        introduced = [_introduction(name, entry) for name, entry in entries.items() if _NODE in entry]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(f"roster must be a JSON object of platforms and keys; got {text[:40]!r}") from error
    introductions = introductions_to_bytes(introduced) if introduced else b""
    return SumRoster(roster=roster, introductions=introductions, summed=SummedSets(summed, least))


def _member(name: str, entry: dict[str, Any]) -> Member:
    return Member(name, bytes.fromhex(entry[_KEY]))


def _introduction(name: str, entry: dict[str, Any]) -> Introduction:
    return Introduction(_member(name, entry), entry[_NODE], bytes.fromhex(entry[_SIGNED]))
