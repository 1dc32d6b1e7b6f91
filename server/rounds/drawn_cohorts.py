"""Who is asked in a round of a run over many: drawn anew for each of those online."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from server.rounds.summed_sets import SummedSets
from shared.federation.config import RoundsConfig
from shared.secure_sum.roster import Member
from shared.seeding import rng_for

TRIES = 64
"""draws of a cohort that is to be far from each set that was summed before"""


@dataclass(frozen=True, kw_only=True)
class DrawnCohorts:
    """The cohorts of one run."""

    config: RoundsConfig

    def names(self, number: int, online: Collection[str], attempt: int = 0) -> frozenset[str]:
        """So many more than the cohort as may break off.

        Args:
            number: of the round.
            online: names of those who can be asked.
            attempt: which draw of this round, from 0 on.

        Returns:
            Names of the round's cohort; all, where fewer are online.
        """
        listed: Sequence[str] = sorted(online)
        size = min(len(listed), round(self.config.cohort * self.config.over_sampling))
        again = (attempt,) if attempt else ()
        drawn = rng_for(self.config.seed, "cohort", number, *again).choice(len(listed), size, replace=False)
        return frozenset(listed[place] for place in drawn)

    def summed(self, number: int, there: Collection[Member], sets: SummedSets) -> frozenset[Member] | None:
        """A cohort whose sum its members may open.

        Args:
            number: of the round.
            there: who is online and has a key for sums.
            sets: who was summed before.

        Returns:
            The cohort; None where too few are there, or each draw differs by a few from a set of before.

        Raises:
            CheckpointError: if the file of the sets is damaged.
        """
        if len(there) < self.config.cohort:
            return None
        by_name = {member.party: member for member in there}
        for attempt in range(TRIES):
            drawn = frozenset(by_name[name] for name in self.names(number, by_name, attempt))
            if sets.may_be_summed(drawn):
                return drawn
        return None

    def summed_before(self, there: Collection[Member], sets: SummedSets) -> frozenset[Member] | None:
        """The newest set that was summed before and may be again, for where no new one can be drawn.

        Args:
            there: who is online and has a key for sums.
            sets: who was summed before.

        Returns:
            The set; None where none is wholly among those who are there.

        Raises:
            CheckpointError: if the file of the sets is damaged.
        """
        known = reversed(sets.sets())
        return next((known_set for known_set in known if known_set <= frozenset(there)), None)
