"""The statement of a release: an in-toto Statement v1 in a DSSE envelope, signed with Ed25519.

It binds the encoder's bytes to the manifest's, and says for tools that know in-toto where they come from
(github.com/in-toto/attestation; github.com/secure-systems-lab/dsse). What the signature covers is the envelope's
payload with its type, as DSSE's PAE has them.
"""

import base64
import binascii
import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import ReleaseRefused
from shared.releases.json_fields import JsonFields, json_bytes, parsed_json
from shared.releases.manifest import Manifest
from shared.releases.targets import target_name

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:graft:attestation:encoder-release:v1"
MOST_BYTES = 2**20
"""of a statement"""
_CODE, _WHERE = "statement", "statement"


def signed_statement(manifest: Manifest, key: Ed25519PrivateKey) -> bytes:
    """The statement of a release.

    Args:
        manifest: of the release; it has the encoder's digest.
        key: signs it.

    Returns:
        The envelope, as JSON.
    """
    content = manifest.to_bytes()
    payload = json_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                _subject(target_name(manifest.version, "encoder"), manifest.digest),
                _subject(target_name(manifest.version, "manifest"), hashlib.sha256(content).hexdigest()),
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "version": manifest.version,
                "parent": manifest.parent,
                "rolls-back-to": manifest.rolls_back_to,
                "created": manifest.created.isoformat(),
                "expires": manifest.expires.isoformat(),
                "rounds": [summary.to_json() for summary in manifest.rounds],
                "privacy": manifest.privacy.to_json(),
                "licence": manifest.licence,
            },
        }
    )
    signature = {"keyid": key_id(key.public_key().public_bytes_raw()), "sig": _text(key.sign(_covered(payload)))}
    return json_bytes({"payload": _text(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]})


def check_statement(content: bytes, key: bytes, *, version: int, encoder: str, manifest: str) -> None:
    """Check a statement: its signature first, then that it is of these very files.

    Args:
        content: the envelope.
        key: 32 bytes of the public key that TUF's targets name.
        version: of the release.
        encoder: SHA-256 of the encoder's file, in hexadecimal digits.
        manifest: the same of the manifest's.

    Raises:
        ReleaseRefused: if the signature does not hold, or the statement is of other files.
    """
    payload = _payload(content, key)
    names = ("_type", "subject", "predicateType", "predicate")
    fields = JsonFields(parsed_json(payload, _WHERE, _CODE), names, _WHERE, _CODE)
    if (fields.any("_type"), fields.any("predicateType")) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise fields.refused(f"expected a {STATEMENT_TYPE} that says {PREDICATE_TYPE}; found another kind")
    expected = [
        _subject(target_name(version, "encoder"), encoder),
        _subject(target_name(version, "manifest"), manifest),
    ]
    if fields.any("subject") != expected:
        raise fields.refused(f"expected the encoder and the manifest of release {version}; found other files")


def key_id(public: bytes) -> str:
    """SHA-256 of a public key's 32 bytes, in hexadecimal digits."""
    return hashlib.sha256(public).hexdigest()


def _payload(content: bytes, key: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise ReleaseRefused(f"statement: expected at most {MOST_BYTES:,} bytes; found {len(content):,}", code=_CODE)
    names = ("payload", "payloadType", "signatures")
    fields = JsonFields(parsed_json(content, _WHERE, _CODE), names, _WHERE, _CODE)
    if fields.any("payloadType") != PAYLOAD_TYPE:
        raise fields.refused(f"expected the payload type {PAYLOAD_TYPE}; found another")
    payload = _decoded(fields, fields.any("payload"))
    signatures = [
        JsonFields(signature, ("keyid", "sig"), _WHERE, _CODE).any("sig") for signature in fields.items("signatures")
    ]
    if len(signatures) != 1:
        raise fields.refused(f"expected one signature; found {len(signatures)}")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(_decoded(fields, signatures[0]), _covered(payload))
    except (InvalidSignature, ValueError):
        raise fields.refused("its signature does not hold under the key that the list of releases names") from None
    return payload


def _covered(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _subject(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decoded(fields: JsonFields, text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise fields.refused("expected base64; found something else") from None
