"""Introductions of platforms: one byte form, and nobody is believed whose node key did not sign."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import WireError
from shared.secure_sum.endorsement import endorsement
from shared.secure_sum.introduction import Introduction, introductions_to_bytes, read_introductions
from shared.seeding import rng_for
from tests.secure_sum_world import member


def introduced(name: str, number: int) -> Introduction:
    key = ec.derive_private_key(number, ec.SECP384R1())
    text = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Introduction(member(name), text.decode(), endorsement(key, member(name)))


ALL = [introduced("south", 8), introduced("north", 7)]


def test_come_back_in_the_order_of_names() -> None:
    assert read_introductions(introductions_to_bytes(ALL)) == tuple(sorted(ALL))
    assert introductions_to_bytes(reversed(ALL)) == introductions_to_bytes(ALL)


def test_the_fingerprint_is_that_of_ssh_keygen() -> None:
    assert ALL[0].fingerprint.startswith("SHA256:")
    assert len({one.fingerprint for one in ALL}) == 2
    assert len(ALL[0].fingerprint) == len("SHA256:") + 43


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (replace(ALL[0], member=member("south", "other")), "signed by its enrolled node key"),
        (replace(ALL[0], node_key=ALL[1].node_key), "signed by its enrolled node key"),
        (replace(ALL[0], node_key="ssh-ed25519 nothing"), "in OpenSSH's form"),
        (replace(ALL[0], member=replace(ALL[0].member, party="South")), "an enrolled name"),
    ],
)
def test_of_another_key_or_name_are_refused(changed, said) -> None:
    with pytest.raises(WireError, match=said):
        read_introductions(introductions_to_bytes([ALL[1], changed]))


def test_of_one_name_twice_are_refused() -> None:
    with pytest.raises(WireError, match="none twice"):
        read_introductions(introductions_to_bytes([ALL[0], introduced("south", 9)]))


def test_changed_bytes_are_refused_as_a_message_that_is_none() -> None:
    content = introductions_to_bytes(ALL)
    rng = rng_for(1, "introductions")
    for place in rng.choice(len(content), size=120, replace=False):
        changed = bytearray(content)
        changed[place] ^= int(rng.integers(1, 256))
        with pytest.raises(WireError):
            read_introductions(bytes(changed))
    for end in range(0, len(content), 37):
        with pytest.raises(WireError):
            read_introductions(content[:end])
