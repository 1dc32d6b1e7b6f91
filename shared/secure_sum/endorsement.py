"""A platform's enrolled node key says which key signs its part of sums.

Node keys are Flower's, of a NIST curve, and sign requests to its API. Sums are signed by an Ed25519 key of their own,
so that no signature of one protocol can be taken for one of the other; the node key signs for it once (ECDSA with
SHA-384, FIPS 186-5).
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384

from shared.errors import WireError
from shared.secure_sum.roster import Member

LONGEST = 150
"""bytes of an endorsement at most (P-521)"""
_BEGIN = b"graft-secure-sum-member/1\x00"


def endorsement(node_key: ec.EllipticCurvePrivateKey, member: Member) -> bytes:
    """The node key's signature over name and key of its platform.

    Args:
        node_key: the platform's enrolled key.
        member: the platform's name, and the key with which it signs its part of sums.

    Returns:
        The signature, ``LONGEST`` bytes at most.
    """
    return node_key.sign(_signed(member), ec.ECDSA(SHA384()))


def require_endorsed(member: Member, node_key: ec.EllipticCurvePublicKey, endorsement: bytes) -> None:
    """Check that a platform's node key signed for its key for sums.

    Args:
        member: the platform's name, and the key with which it signs its part of sums.
        node_key: public half of the platform's enrolled key.
        endorsement: the signature that was given for it.

    Raises:
        WireError: if the node key did not sign for this member.
    """
    try:
        node_key.verify(endorsement, _signed(member), ec.ECDSA(SHA384()))
    except InvalidSignature as error:
        expected = f"expected the key of {member.party} for sums to be signed by its enrolled node key"
        raise WireError(f"{expected}; found one that is not") from error


def _signed(member: Member) -> bytes:
    return _BEGIN + member.party.encode("ascii") + b"\x00" + member.key
