"""What an agent keeps private is ready before it starts, or a sentence says what is missing."""

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.agent.private_part import heads_and_key, make_private_part, require_private_part
from client.guard.site_policy import SitePolicy
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from shared.errors import ConfigError, VaultError
from shared.system.settings_file import read_settings, to_toml

SETTINGS = AgentSettings(
    server="shops.example:9443", name="north", data="/data/north", vault_key="file:vault.key", policy="policy.toml"
)


@pytest.fixture
def home(tmp_path) -> AgentHome:
    made = AgentHome(tmp_path)
    make_private_part(made, SETTINGS, own_key=True)
    made.settings.write_bytes(to_toml(SETTINGS))
    return made


def sealed(home: AgentHome) -> Vault:
    return Vault.open(home.vault, KeySource.parse(f"file:{home.vault_key}"))


def test_makes_a_vault_with_a_key_of_its_own_and_the_policy_as_it_is_without_one(home) -> None:
    sealed(home).write("head", b"content")
    require_private_part(home, SETTINGS)
    assert sealed(home).read("head") == b"content"
    assert home.vault_key.stat().st_mode & 0o777 == 0o600
    assert read_settings(SitePolicy, home.policy) == SitePolicy()


def test_the_agents_folder_may_be_moved(home, tmp_path) -> None:
    sealed(home).write("head", b"content")
    moved = AgentHome(tmp_path.rename(tmp_path.with_name("moved")))
    require_private_part(moved, read_settings(AgentSettings, moved.settings))
    assert heads_and_key(moved.folder, None, "") == (moved.vault, f"file:{moved.vault_key}")


def test_a_policy_that_is_gone_or_misspelt_is_no_missing_one(home) -> None:
    home.policy.write_text("maximum-byte = 1\n", "utf-8")
    with pytest.raises(ConfigError, match="unknown option 'maximum-byte'"):
        require_private_part(home, SETTINGS)
    home.policy.unlink()
    with pytest.raises(ConfigError, match=r"policy\.toml: cannot be read"):
        require_private_part(home, SETTINGS)


def test_another_key_or_none_is_told_before_anything_starts(home) -> None:
    home.vault_key.write_text(new_key(), "ascii")
    with pytest.raises(VaultError, match="does not open this vault"):
        require_private_part(home, SETTINGS)
    home.vault_key.unlink()
    with pytest.raises(ConfigError, match=r"vault\.key cannot be read"):
        require_private_part(home, SETTINGS)


def test_an_empty_place_gets_a_new_vault_and_sealed_records_without_a_keyring_are_left_alone(home) -> None:
    sealed(home).write("head", b"content")
    rings = list(home.vault.glob("keyring*"))
    for path in rings:
        path.unlink()
    with pytest.raises(ConfigError, match="holds no vault"):
        require_private_part(home, SETTINGS)
    for path in home.vault.iterdir():
        path.unlink()
    require_private_part(home, SETTINGS)
    assert sealed(home).names() == ()


def test_heads_are_an_agents_or_those_of_a_folder(home, tmp_path) -> None:
    assert heads_and_key(None, tmp_path / "heads", "env:KEY") == (tmp_path / "heads", "env:KEY")
    assert heads_and_key(home.folder, None, "env:KEY") == (home.vault, "env:KEY")
    with pytest.raises(ConfigError, match="one of them"):
        heads_and_key(home.folder, tmp_path / "heads", "")
    with pytest.raises(ConfigError, match="one of them"):
        heads_and_key(None, None, "")
