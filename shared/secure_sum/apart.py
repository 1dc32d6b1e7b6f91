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
    """Different sets whose sums without noise a party agreed to, the newest last; the oldest of 256 are forgotten."""

    sets: tuple[frozenset[bytes], ...] = ()
    """of fingerprints of keys"""

    def require_apart(self, parties: Iterable[bytes], least: int) -> None:
        """Raises TooClose where an earlier set has the same parties but for fewer than ``least``."""
        asked = frozenset(parties)
        for known in self.sets:
            different = len(asked ^ known)
            if 0 < different < least:
                raise TooClose(
                    f"expected the parties of an earlier sum, or {least} others at least, where no noise is added; "
                    f"found {different} that joined or left"
                )

    def with_set(self, parties: Iterable[bytes]) -> "SetHistory":
        """The set as the newest."""
        asked = frozenset(parties)
        return SetHistory((*(known for known in self.sets if known != asked), asked)[-MOST_SETS:])

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
