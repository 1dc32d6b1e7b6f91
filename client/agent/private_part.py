"""What an agent keeps private: its folders, its vault and its site policy, ready before anything runs."""

from pathlib import Path

from client.agent.home import AgentHome, AgentSettings
from client.guard.site_policy import USUAL, SitePolicy, SitePromise, read_policy
from client.store.keyring import new_key
from client.store.vault import SUFFIX, Vault, is_vault
from shared.errors import ConfigError, os_error_as
from shared.system.settings_file import read_settings, to_toml
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600


def make_folders(home: AgentHome) -> None:
    """Those of the vault, of logs and of what runs; raises OSError."""
    for folder in (home.vault, home.logs, home.engine):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def make_private_part(home: AgentHome, settings: AgentSettings, promise: SitePromise = USUAL, *, own_key: bool) -> None:
    """A new agent's vault, with a key file of its own where it is asked for, and its policy, to be edited.

    Raises OSError, ConfigError where the settings' key cannot be had, StorageError where the vault cannot be made.
    """
    make_folders(home)
    if own_key:
        write_whole(home.vault_key, f"{new_key()}\n".encode("ascii"), mode=OWNER_ONLY)
    policy = SitePolicy(privacy=promise.privacy, epsilon=promise.epsilon, delta=promise.delta)
    write_whole(home.policy, to_toml(policy), mode=OWNER_ONLY)
    open_vault(home, settings)


def require_private_part(home: AgentHome, settings: AgentSettings) -> None:
    """Raises ConfigError or StorageError, before anything starts, where rounds would find no policy or no vault."""
    read_policy(settings.node(home).policy)
    with os_error_as(ConfigError, f"{home.folder}: cannot be written"):
        make_folders(home)
    open_vault(home, settings)


def open_vault(home: AgentHome, settings: AgentSettings) -> None:
    """Open the agent's vault; where nothing is sealed, as after ``delete-all``, a new one is made."""
    source = settings.key_source(home)
    if source is None:
        return
    if is_vault(home.vault) or any(home.vault.glob(f"*{SUFFIX}")):
        Vault.open(home.vault, source)
    else:
        Vault.make(home.vault, source)


def heads_and_key(agent: Path | None, heads: Path | None, key: str) -> tuple[Path, str]:
    """Where a platform's heads lie, and what opens them: those of an agent, or of the folder that is named.

    A key that is named counts before the agent's. Raises ConfigError for both or neither.
    """
    if (agent is None) == (heads is None):
        raise ConfigError("expected an agent's folder or --heads DIR, one of them")
    if agent is None:
        return heads or Path(), key
    home = AgentHome.existing(agent)
    return home.vault, key or read_settings(AgentSettings, home.settings).node(home).vault_key
