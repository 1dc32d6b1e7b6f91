"""How a platform is made known to others: its key for sums, and its enrolled node key, which signed for that once."""

import base64
import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from shared.errors import WireError
from shared.secure_sum.endorsement import LONGEST, require_endorsed
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.roster import MOST_PARTIES, PARTY, Member
from shared.secure_sum.streams import KEY

_LONGEST_NODE_KEY = 256
"""characters of a node key: P-521 takes 229"""
_LONGEST_NAME = 63


@dataclass(frozen=True, order=True)
class Introduction:
    """One platform; ``require_true`` says whether it may be believed."""

    member: Member
    node_key: str
    """its enrolled public key, of a NIST curve, in OpenSSH's form without a comment"""
    endorsement: bytes
    """that key's signature over name and key for sums"""

    def require_true(self) -> None:
        """Raises WireError where the node key is none, or did not sign for this key for sums."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                key = load_ssh_public_key(self.node_key.encode("ascii"))
        except Exception as error:
            raise WireError(f"expected the node key of {self.member.party} in OpenSSH's form; found another") from error
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise WireError(f"expected the node key of {self.member.party} to be of a NIST curve; found another")
        require_endorsed(self.member, key, self.endorsement)

    @property
    def fingerprint(self) -> str:
        """Of the node key, as ``ssh-keygen -l`` shows it."""
        return node_fingerprint(self.node_key)


def node_fingerprint(node_key: str) -> str:
    """Of a public key in OpenSSH's form, as ``ssh-keygen -l`` shows it; raises ValueError for other text."""
    fingerprint = hashlib.sha256(base64.b64decode(node_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(fingerprint).decode('ascii').rstrip('=')}"


def introductions_to_bytes(introductions: Iterable[Introduction]) -> bytes:
    """In the order of names."""
    listed = sorted(introductions)
    writer = Writer().number("H", len(listed))
    for introduction in listed:
        writer.sized(introduction.member.party.encode("ascii")).raw(introduction.member.key)
        writer.sized(introduction.node_key.encode("ascii")).sized(introduction.endorsement)
    return writer.content


def read_introductions(content: bytes) -> tuple[Introduction, ...]:
    """The inverse, each of them true and no name twice; raises WireError."""
    reader = Reader("introductions", content)
    introductions = tuple(_introduction(reader) for _ in range(reader.number("H", most=MOST_PARTIES)))
    reader.end()
    names = [introduction.member.party for introduction in introductions]
    if names != sorted(set(names)):
        raise WireError("introductions: expected names in order, none twice; found others")
    for introduction in introductions:
        introduction.require_true()
    return introductions


def _introduction(reader: Reader) -> Introduction:
    name, key = reader.sized(_LONGEST_NAME), reader.raw(KEY)
    node_key, endorsed = reader.sized(_LONGEST_NODE_KEY), reader.sized(LONGEST)
    try:
        party, text = name.decode("ascii"), node_key.decode("ascii")
    except UnicodeDecodeError as error:
        raise reader.wrong("names and keys in ASCII", "other bytes") from error
    if PARTY.fullmatch(party) is None:
        raise reader.wrong("an enrolled name", f"{len(name)} bytes that are none")
    return Introduction(Member(party, key), text, endorsed)
