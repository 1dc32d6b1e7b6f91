import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from shared.errors import ReleaseRefused
from shared.releases.statement import check_statement, signed_statement
from tests.unit.shared.releases.release_samples import KEY, PUBLIC, manifest_of, write_encoder


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> tuple[bytes, str, str]:
    """A statement, and the digests of encoder and manifest."""
    path = tmp_path_factory.mktemp("release") / "encoder.safetensors"
    manifest = manifest_of(path, write_encoder(path))
    return signed_statement(manifest, KEY), manifest.digest, hashlib.sha256(manifest.to_bytes()).hexdigest()


def check(content: bytes, said: tuple[bytes, str, str], key: bytes = PUBLIC, version: int = 3) -> None:
    check_statement(content, key, version=version, encoder=said[1], manifest=said[2])


def test_holds_for_its_files_alone(said):
    check(said[0], said)
    other = "0" * 64
    for files in ((said[0], other, said[2]), (said[0], said[1], other)):
        with pytest.raises(ReleaseRefused, match="found other files") as refusal:
            check(said[0], files)
        assert refusal.value.code == "statement"
    with pytest.raises(ReleaseRefused, match="found other files"):
        check(said[0], said, version=4)


def test_is_a_dsse_envelope_as_another_library_reads_it(said):
    """The library securesystemslib verifies the same envelope: the signature covers what DSSE says."""
    envelope = Envelope.from_dict(json.loads(said[0]))
    keyid = hashlib.sha256(PUBLIC).hexdigest()
    public = SSlibKey(keyid, "ed25519", "ed25519", {"public": PUBLIC.hex()})
    assert set(envelope.verify([public], 1)) == {keyid}
    assert json.loads(envelope.payload)["_type"] == "https://in-toto.io/Statement/v1"


def test_refuses_another_key(said):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for key in (other, b"short"):
        with pytest.raises(ReleaseRefused, match="its signature does not hold"):
            check(said[0], said, key)


def test_refuses_more_or_fewer_signatures(said):
    envelope = json.loads(said[0])
    for signatures in ([], envelope["signatures"] * 2):
        with pytest.raises(ReleaseRefused, match=f"expected one signature; found {len(signatures)}"):
            check(json.dumps({**envelope, "signatures": signatures}).encode(), said)


def test_refuses_a_signed_payload_of_another_kind(said):
    """What this key signed for another purpose is no statement of a release."""
    payload = b'{"_type": "other", "subject": [], "predicateType": "", "predicate": {}}'
    kind = b"application/vnd.in-toto+json"
    covered = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    text = base64.b64encode(payload).decode()
    signature = {"keyid": "", "sig": base64.b64encode(KEY.sign(covered)).decode()}
    envelope = {"payload": text, "payloadType": kind.decode(), "signatures": [signature]}
    with pytest.raises(ReleaseRefused, match="found another kind"):
        check(json.dumps(envelope).encode(), said)


@given(data=st.data())
@settings(deadline=None)
def test_a_changed_payload_is_refused(said, data):
    envelope = json.loads(said[0])
    payload = bytearray(base64.b64decode(envelope["payload"]))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    envelope["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(ReleaseRefused, match="its signature does not hold"):
        check(json.dumps(envelope).encode(), said)
