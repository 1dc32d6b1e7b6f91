"""Which platforms were summed together without noise, in the coordinator's home, and which ones a run takes therefore.

Platforms open no bare sum whose set differs by a few from one of before (shared/secure_sum/apart.py), across runs. The
coordinator remembers the same sets, so that it asks for what they give; they are the ones who enforce it.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from shared.errors import CheckpointError, FederationError, os_error_as
from shared.federation.config import LEAST_MASKED
from shared.secure_sum.apart import MOST_SETS
from shared.secure_sum.roster import Member
from shared.system.whole_file import write_whole

FORMAT = "graft-summed-sets/1"
_DAMAGED = (
    "put it back from a backup, or delete it: platforms still refuse sums that differ by a few from earlier ones, and "
    "those of an earlier sum alone can be asked by keeping the others offline"
)
Set = frozenset[Member]


class SummedSets:
    """In one file that is replaced whole; without one they are remembered as long as the object lives."""

    def __init__(self, path: Path | None = None, least: int = LEAST_MASKED) -> None:
        """``least`` is by how many platforms two sets must differ."""
        self._path, self._least, self._held = path, least, tuple[Set, ...]()

    def sets(self) -> tuple[Set, ...]:
        """The newest last; raises CheckpointError where the file is damaged."""
        if self._path is None or not self._path.exists():
            return self._held
        try:
            content = json.loads(self._path.read_text("utf-8"))
            if content["format"] != FORMAT:
                reason = f"expected the format {FORMAT}; got {content['format']!r}"
                raise CheckpointError(f"{self._path}: {reason}; {_DAMAGED}")
            return tuple(
                frozenset(Member(name, bytes.fromhex(key)) for name, key in keys.items()) for keys in content["sets"]
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self._path}: damaged; {_DAMAGED}") from error

    def add(self, members: Iterable[Member]) -> None:
        """Remember a set, before platforms agree to open its sum; raises CheckpointError."""
        added = frozenset(members)
        before = self.sets()
        if before[-1:] == (added,):
            return
        self._held = (*(summed_set for summed_set in before if summed_set != added), added)[-MOST_SETS:]
        if self._path is None:
            return
        listed = [{member.party: member.key.hex() for member in sorted(summed_set)} for summed_set in self._held]
        with os_error_as(CheckpointError, f"{self._path}: the sets that were summed cannot be written"):
            write_whole(self._path, json.dumps({"format": FORMAT, "sets": listed}, indent=1).encode("utf-8"))

    def choice(self, members: Collection[Member], eligible: Collection[Member] = ()) -> Set | None:
        """Who of those that are there is summed.

        All, where that is far enough from every set of before; else the newest of those sets that is wholly among them.

        Args:
            members: who is there.
            eligible: all who could be summed together; where they are given, and are far enough from every set of
                before, nothing but all of them will do. Empty: whoever is there.

        Returns:
            The set; None where there is none that may be summed.

        Raises:
            CheckpointError: if the file of the sets is damaged.
        """
        sets, there, whole = self.sets(), frozenset(members), frozenset(eligible)
        if whole and self._is_apart(whole, sets):
            return whole if whole <= there else None
        if self._is_apart(there, sets):
            return there
        among = (summed_set for summed_set in reversed(sets) if summed_set <= there)
        return next((summed_set for summed_set in among if self._is_apart(summed_set, sets)), None)

    def may_be_summed(self, members: Collection[Member]) -> bool:
        """Whether the set is one of before, or differs from each of them by enough."""
        return self._is_apart(frozenset(members), self.sets())

    def dead_end(self, members: Collection[Member]) -> FederationError:
        """Why none of those that are there can be summed, and what would answer it.

        Args:
            members: who is there.

        Returns:
            The error, to be raised.
        """
        there = {member.party for member in members}
        nearest = min(self.sets(), key=lambda summed_set: len(summed_set ^ frozenset(members)))
        named = {member.party for member in nearest}
        missing, new = ", ".join(sorted(named - there)), ", ".join(sorted(there - named))
        changed = ", ".join(sorted(named & there - {member.party for member in nearest & frozenset(members)}))
        differences = [(missing, "is missing"), (new, "is new"), (changed, "has another key")]
        words = "; ".join(f"{names} {what}" for names, what in differences if names)
        wait = f"wait for {missing}, or " if missing else ""
        return FederationError(
            "expected the platforms of an earlier masked sum, or as many changes at once as hide who sent what "
            f"({self._least}); found that {words}; {wait}add noise (--privacy masked-private)"
        )

    def _is_apart(self, members: Set, sets: Iterable[Set]) -> bool:
        known = tuple(sets)
        is_far = not any(0 < len(members ^ summed_set) < self._least for summed_set in known)
        return len(members) > 1 and is_far and (len(known) < MOST_SETS or members in known)
