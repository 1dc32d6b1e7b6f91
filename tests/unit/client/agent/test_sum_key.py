"""A platform's key for secure sums is brought to enrolment behind its public key, signed by its node key."""

from dataclasses import replace

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.agent.key_pair import new_key_pair, require_key_pair
from client.agent.private_part import make_private_part
from client.agent.sum_key import bring_sum_key, own_party
from client.rounds.own_party import SUM_KEY
from client.store.head_store import open_heads
from server.coordinator.enrolment import Enrolment, read_public_key, read_sum_key, require_own_key
from shared.errors import ConfigError

SETTINGS = AgentSettings(server="localhost:9443", name="north", data="/north", vault_key="file:vault.key")


@pytest.fixture
def home(tmp_path) -> AgentHome:
    """Of before keys for sums: a vault and a key pair."""
    found = AgentHome(tmp_path / "agent")
    found.folder.mkdir()
    make_private_part(found, SETTINGS, own_key=True)
    keys = new_key_pair("north")
    found.key.write_bytes(keys.private)
    found.public_key.write_bytes(keys.public)
    return found


@pytest.fixture
def register(tmp_path) -> Enrolment:
    return Enrolment(tmp_path / "platforms.json")


def test_stands_behind_the_public_key_which_stays_as_it_was(home) -> None:
    before = read_public_key(home.public_key)
    assert read_sum_key(home.public_key) is None
    assert bring_sum_key(home, SETTINGS)
    assert read_sum_key(home.public_key).key == own_party(home, SETTINGS).member.key
    assert read_public_key(home.public_key) == before
    require_own_key("north", home.public_key)
    require_key_pair(home)


def test_is_written_again_where_the_vault_has_another_or_the_platform_another_name(home) -> None:
    bring_sum_key(home, SETTINGS)
    assert not bring_sum_key(home, SETTINGS)
    assert bring_sum_key(home, replace(SETTINGS, name="south"))
    assert bring_sum_key(home, SETTINGS)
    open_heads(home.vault, SETTINGS.node(home).vault_key).delete(SUM_KEY)
    assert bring_sum_key(home, SETTINGS)
    assert len(home.public_key.read_text().splitlines()) == 2


def test_is_enrolled_with_the_public_key_and_introduces_the_platform(home, register) -> None:
    register.enroll("north", read_public_key(home.public_key), users=100)
    assert (register.introductions(), register.without_sum_key()) == ((), ("north",))
    bring_sum_key(home, SETTINGS)
    register.enroll("north", read_public_key(home.public_key), sum_key=read_sum_key(home.public_key))
    (found,) = register.introductions()
    assert found.member == own_party(home, SETTINGS).member
    found.require_true()
    assert (register.classes(), register.without_sum_key()) == ({"north": 128}, ())
    register.revoke("north")
    assert register.introductions() == ()


@pytest.mark.parametrize("case", ["another name", "another node key"])
def test_is_refused_where_the_public_key_did_not_sign_for_it(home, register, case) -> None:
    bring_sum_key(home, SETTINGS)
    key, name = read_public_key(home.public_key), "north"
    if case == "another name":
        name = "south"
    else:
        key = " ".join(new_key_pair("north").public.decode().split()[:2])
    with pytest.raises(ConfigError, match=f"{name}: expected a key for secure sums that its public key signed for"):
        register.enroll(name, key, sum_key=read_sum_key(home.public_key))
    assert register.read() == ()
