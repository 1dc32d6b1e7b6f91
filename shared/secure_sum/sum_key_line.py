"""The line of ``node.key.pub`` that brings a platform's key for sums to its enrolment.

A comment to all that read OpenSSH's keys: ``# graft-sum-key KEY ENDORSEMENT``, both in hexadecimal digits.
"""

import re
from dataclasses import dataclass

from shared.secure_sum.streams import KEY

_BEGIN = "# graft-sum-key"
_LINE = re.compile(rf"{_BEGIN} ([0-9a-f]{{{2 * KEY}}}) ([0-9a-f]{{16,300}})")


@dataclass(frozen=True)
class SumKey:
    """A platform's key for sums, as it is enrolled."""

    key: bytes
    """Ed25519 public key, 32 bytes"""
    endorsement: bytes
    """the node key's signature over it and the platform's name"""

    @property
    def line(self) -> str:
        """Without its end."""
        return f"{_BEGIN} {self.key.hex()} {self.endorsement.hex()}"


def split_public_key(content: str) -> tuple[str, SumKey | None]:
    """What stands in the file beside the line, and what the line says; None where there is no such line, or two."""
    lines = content.splitlines(keepends=True)
    key_lines = [line for line in lines if line.startswith(_BEGIN)]
    match = _LINE.fullmatch(key_lines[0].rstrip()) if len(key_lines) == 1 else None
    rest = "".join(line for line in lines if line not in key_lines)
    if match is None or len(match[2]) % 2:
        return rest, None
    return rest, SumKey(bytes.fromhex(match[1]), bytes.fromhex(match[2]))
