"""The platforms' keys for secure sums, as one value of a run config."""

import json

from shared.errors import ConfigError
from shared.secure_sum.roster import Member, Roster


def roster_text(roster: Roster) -> str:
    """Names and keys, the inverse of ``roster_of``."""
    return json.dumps({one.party: one.key.hex() for one in roster.members}, sort_keys=True)


def roster_of(text: str) -> Roster | None:
    """None of an empty text; raises ConfigError for one that does not give each platform a key."""
    if not text:
        return None
    try:
        found = json.loads(text)
        return Roster.of(Member(name, bytes.fromhex(key)) for name, key in found.items())
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"roster must be a JSON object of platforms and keys; got {text[:40]!r}") from error
