"""The register of platforms: who may join, and what the engine has yet to be told."""

import base64
import json
import multiprocessing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519

from server.coordinator.enrolment import Enrolment, read_public_key
from shared.errors import ConfigError


def enroll_many(path, start) -> None:
    for number in range(start, start + 20):
        Enrolment(path).enroll(f"platform-{number}", f"key {number}")


@pytest.fixture
def register(tmp_path) -> Enrolment:
    return Enrolment(tmp_path / "platforms.json")


def test_keeps_names_and_keys_until_the_engine_knows_them(register) -> None:
    register.enroll("north", "key a")
    register.enroll("south", "key b")
    assert [(one.name, one.key, one.waiting) for one in register.read()] == [
        ("north", "key a", True),
        ("south", "key b", True),
    ]
    register.update(lambda one: replace(one, node=7) if one.name == "north" else one)
    assert [one.waiting for one in register.read()] == [False, True]


def test_the_same_name_and_key_again_change_nothing(register) -> None:
    register.enroll("north", "key a")
    register.update(lambda one: replace(one, node=7))
    assert register.enroll("north", "key a").node == 7
    assert len(register.read()) == 1


def test_keeps_a_size_class_which_may_be_changed_and_survives_without_being_named(register) -> None:
    register.enroll("north", "key a", 3000)
    register.enroll("south", "key b")
    assert register.classes() == {"north": 4096}
    assert register.enroll("north", "key a").users == 4096
    assert register.enroll("north", "key a", 700).users == 512
    assert register.classify("south", 90).users == 64
    assert register.classes() == {"north": 512, "south": 64}
    register.revoke("south")
    assert register.classes() == {"north": 512}
    with pytest.raises(ConfigError, match="no platform south is enrolled"):
        register.classify("south", 90)


def test_reads_a_register_of_before_size_classes(register) -> None:
    register.enroll("north", "key a", 3000)
    content = json.loads(register.path.read_text())
    for one in content["platforms"]:
        del one["users"]
    register.path.write_text(json.dumps(content))
    assert [(one.name, one.users) for one in register.read()] == [("north", 0)]
    assert register.classes() == {}


def test_refuses_a_name_that_is_taken_and_a_key_that_is_anothers(register) -> None:
    register.enroll("north", "key a")
    with pytest.raises(ConfigError, match="north is enrolled with another key; revoke it first"):
        register.enroll("north", "key b")
    with pytest.raises(ConfigError, match="the key given for south is on record for north; make a new one"):
        register.enroll("south", "key a")


def test_a_revoked_key_never_counts_again_and_its_name_may_come_back_with_another(register) -> None:
    register.enroll("north", "key a")
    register.update(lambda one: replace(one, node=7))
    assert register.revoke("north").waiting
    with pytest.raises(ConfigError, match="on record for north, which was revoked"):
        register.enroll("north", "key a")
    assert register.enroll("north", "key b").waiting
    assert [(one.key, one.revoked) for one in register.read()] == [("key a", True), ("key b", False)]


def test_the_engine_is_told_nothing_of_a_platform_that_was_revoked_before_it_knew_it(register) -> None:
    register.enroll("north", "key a")
    assert not register.revoke("north").waiting


def test_refuses_to_revoke_whom_it_does_not_know(register) -> None:
    with pytest.raises(ConfigError, match="no platform north is enrolled"):
        register.revoke("north")


@pytest.mark.parametrize("name", ["", "North", "-north", "a b", "../north", "n" * 64])
def test_refuses_a_name_that_is_none(register, name) -> None:
    with pytest.raises(ConfigError, match="a platform's name must be"):
        register.enroll(name, "key a")


def test_loses_no_entry_where_several_processes_write(register) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=enroll_many, args=(register.path, 20 * number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert {one.name for one in register.read()} == {f"platform-{number}" for number in range(60)}


@pytest.mark.parametrize("content", ["", "{}", '{"format": "graft-platforms/9", "platforms": []}', '{"format": 1}'])
def test_names_a_damaged_register_and_leaves_it(register, content) -> None:
    register.path.write_text(content)
    with pytest.raises(ConfigError, match=r"platforms\.json"):
        register.enroll("north", "key a")
    assert register.path.read_text() == content


def openssh(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


def test_reads_a_public_key_without_its_comment(tmp_path) -> None:
    path = tmp_path / "node.key.pub"
    key = openssh(ec.generate_private_key(ec.SECP384R1()))
    path.write_bytes(key + b" somebody@somewhere\n")
    assert read_public_key(path) == key.decode()


def test_refuses_a_key_that_the_engine_would_not_take(tmp_path) -> None:
    path = tmp_path / "node.key.pub"
    path.write_bytes(openssh(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(ConfigError, match="of a NIST curve; got ssh-ed25519"):
        read_public_key(path)
    path.write_bytes(b"\xff not a key")
    with pytest.raises(ConfigError, match="OpenSSH"):
        read_public_key(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_public_key(tmp_path / "none")


def test_refuses_a_private_key(tmp_path) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(
        ec.generate_private_key(ec.SECP384R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    with pytest.raises(ConfigError, match="got a private one, which must stay on the platform"):
        read_public_key(path)


def in_openssh(name: bytes, *parts: bytes) -> bytes:
    """A line of a public key whose parts are as they are."""
    return name + b" " + base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in (name, *parts)))


CURVE = b"ecdsa-sha2-nistp384"
GOOD = openssh(ec.generate_private_key(ec.SECP384R1()))
PEM = ec.generate_private_key(ec.SECP384R1()).public_key()
OTHER_PEM = (
    x25519.X25519PrivateKey.generate()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (in_openssh(CURVE, b"nistp384", b"\2" + b"\1" * 48), "cannot be read"),
        (in_openssh(CURVE, b"nistp384", b"\0"), "cannot be read"),
        (in_openssh(CURVE, b"nistp384", b""), "cannot be read"),
        (in_openssh(CURVE, b"nistp256", b"\4" + b"\1" * 96), "cannot be read"),
        (in_openssh(b"ssh-rsa", b"\1\0\1", b"\x7f" * 256), "got ssh-rsa"),
        (in_openssh(b"ssh-dss", b"\1", b"\1", b"\1", b"\1"), "cannot be read"),
        (in_openssh(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b""), "cannot be read"),
        (PEM.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo), "got PEM"),
        (OTHER_PEM, "got PEM that is no public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "got PEM that is no public key"),
        (PEM.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo), "cannot be"),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n", "got SSH2's form"),
        (GOOD[:60], "cut off"),
        (GOOD.decode().encode("utf-16"), "cannot be read"),
        (GOOD + b"\n" + GOOD, "got 2 lines, and one is a key"),
        (b" \n", "got an empty file"),
        (b"", "got an empty file"),
    ],
)
def test_says_in_a_sentence_what_is_no_key_of_ours(tmp_path, recwarn, content, found) -> None:
    (tmp_path / "node.key.pub").write_bytes(content)
    with pytest.raises(ConfigError, match="expected a public key of a NIST curve") as error:
        read_public_key(tmp_path / "node.key.pub")
    assert found in str(error.value)
    assert "\n" not in str(error.value)
    assert list(recwarn) == []
