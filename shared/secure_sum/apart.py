"""Sets of parties whose bare sums were opened: two that differ by a few would tell what those few sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import TooClose
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.roster import MOST_PARTIES

MOST_SETS = 256
_FINGERPRINT = 16


@dataclass(frozen=True)
class SetHistory:
    """Different sets whose sums without noise a party agreed to, the newest last: 256 at most, none is forgotten."""

    sets: tuple[frozenset[bytes], ...] = ()
    """of fingerprints of keys"""

    def require_apart(self, parties: Iterable[bytes], least: int) -> None:
        """Check that a set of parties is an earlier one, or far enough from each, and that there is room for it.

        Args:
            parties: fingerprints of the parties' keys, 16 bytes each.
            least: by how many parties, those that joined and those that left, two different sets must differ.

        Raises:
            TooClose: if an earlier set has the same parties but for fewer than ``least``, or the set is new and there
                is no room to remember it: one that was forgotten could be asked for again without one party.
        """
        party_set = frozenset(parties)
        for known in self.sets:
            different = len(party_set ^ known)
            if 0 < different < least:
                raise TooClose(
                    f"expected the parties of an earlier sum, or {least} others at least, where no noise is added; "
                    f"found {different} that joined or left"
                )
        if len(self.sets) >= MOST_SETS and party_set not in self.sets:
            raise TooClose(
                f"expected the parties of one of {MOST_SETS} earlier sums, where no noise is added; found new"
            )

    def with_set(self, parties: Iterable[bytes]) -> "SetHistory":
        """The set as the newest; ``require_apart`` says whether there is room."""
        party_set = frozenset(parties)
        return SetHistory((*(known for known in self.sets if known != party_set), party_set))

    def write(self, writer: Writer) -> None:
        """All sets."""
        writer.number("H", len(self.sets))
        for known in self.sets:
            writer.number("H", len(known)).raw(b"".join(sorted(known)))

    @classmethod
    def read(cls, reader: Reader) -> "SetHistory":
        """The inverse of ``write``."""
        return cls(tuple(_set(reader) for _ in range(reader.number("H", most=MOST_SETS))))


def _set(reader: Reader) -> frozenset[bytes]:
    return frozenset(reader.raw(_FINGERPRINT) for _ in range(reader.number("H", most=MOST_PARTIES)))
