"""What a party asks of every set-up and sum, whatever the coordinator says."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from shared.errors import ConfigError, SumRefused, TooFewParties, UnknownParties
from shared.secure_sum.roster import Roster
from shared.secure_sum.setup import Setup
from shared.secure_sum.terms import SumTerms


@dataclass(frozen=True)
class PartyPolicy:
    """Raises ConfigError where a value makes no sense."""

    trusted: Roster
    """everybody whom the party takes for another party, with the key that it knows"""
    least_parties: int = 3
    """K: fewer, the party itself among them, make no sum; two bare sums differ by none or by so many"""
    least_spread: float = inf
    """spread, in the unit of the values, from which on noise counts; by default none does, since any may be tiny"""

    def __post_init__(self) -> None:
        if not (self.least_parties > 1 and self.least_spread >= 0):
            expected = "at least 2 parties and a spread from 0 on"
            raise ConfigError(f"expected {expected}; got {self.least_parties} and {self.least_spread:g}")

    def require_known(self, roster: Roster) -> None:
        """Check that this party knows everybody in a roster.

        Args:
            roster: of the set-up that is asked for.

        Raises:
            UnknownParties: if somebody in it is not known by that key.
        """
        unknown = sorted(
            {member.party for member in roster.members} - {member.party for member in self.trusted.members}
        )
        if not self.trusted.holds(roster):
            raise UnknownParties(
                f"expected parties with the keys that this one knows; found {len(unknown)} unknown names, "
                f"and {len(set(roster.members) - set(self.trusted.members)) - len(unknown)} other keys"
            )

    def require_enough(self, parties: Iterable[int], what: str, setup: Setup | None = None) -> None:
        """Check that enough parties take part.

        Args:
            parties: numbers of those who do.
            what: who they are, in words, for the error.
            setup: the quorum of its roster is asked for too; None: it is not.

        Raises:
            TooFewParties: if they are fewer than this party's policy asks for.
            SumRefused: if they are enough for the policy, but fewer than the quorum.
        """
        least = max(self.least_parties, setup.quorum if setup else 0)
        count = len(tuple(parties))
        if count < least:
            refused = TooFewParties if count < self.least_parties else SumRefused
            raise refused(f"expected at least {least} parties among {what}; found {count}")

    def is_bare(self, terms: SumTerms) -> bool:
        """Whether a sum bears no noise that counts."""
        return terms.noise is None or terms.noise.spread < self.least_spread
