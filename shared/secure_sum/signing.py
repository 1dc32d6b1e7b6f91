"""A party's messages are signed (Ed25519, RFC 8032): each for one kind, one set-up and one party."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import WireError
from shared.secure_sum.roster import Member

SIGNATURE = 64
"""bytes"""
_BEGIN = b"graft-secure-sum-signed/1\x00"


def signature(key: Ed25519PrivateKey, party: str, kind: bytes, setup: bytes, body: bytes) -> bytes:
    """The signature of a message: over all of it, its kind, its set-up and its party.

    Args:
        key: the party's.
        party: its name.
        kind: of the message, a word.
        setup: 32 bytes, the digest of what it answers to.
        body: the message.

    Returns:
        64 bytes.
    """
    return key.sign(_signed(party, kind, setup, body))


def require_signature(member: Member, kind: bytes, setup: bytes, body: bytes, signature: bytes) -> None:
    """Check that a message is signed by a member.

    Args:
        member: the party that is to have signed it, with its key.
        kind: of the message, a word.
        setup: 32 bytes, the digest of what it answers to.
        body: the message.
        signature: 64 bytes.

    Raises:
        WireError: if the signature is not this member's over this body.
    """
    try:
        Ed25519PublicKey.from_public_bytes(member.key).verify(signature, _signed(member.party, kind, setup, body))
    except (InvalidSignature, ValueError) as error:
        expected = f"expected a message of {member.party} signed by its key in the roster for this set-up and step"
        raise WireError(f"{expected}; found one that is not") from error


def _signed(party: str, kind: bytes, setup: bytes, body: bytes) -> bytes:
    return b"\x00".join((_BEGIN + kind, party.encode("ascii"), setup + body))
