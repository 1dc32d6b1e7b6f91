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
    """Make a new agent's vault and its site policy, to be edited.

    Args:
        home: the agent's folder.
        settings: of the agent.
        promise: to the platform's users, written into the policy.
        own_key: whether the folder gets a key file of its own for the vault.

    Raises:
        OSError: if the folder cannot be written.
        ConfigError: if the settings' key cannot be had.
        StorageError: if the vault cannot be made.
    """
    make_folders(home)
    if own_key:
        write_whole(home.vault_key, f"{new_key()}\n".encode("ascii"), mode=OWNER_ONLY)
    policy = SitePolicy(privacy=promise.privacy, epsilon=promise.epsilon, delta=promise.delta)
    write_whole(home.policy, to_toml(policy), mode=OWNER_ONLY)
    open_vault(home, settings)


def require_private_part(home: AgentHome, settings: AgentSettings) -> None:
    """Require a policy and a vault, before anything starts.

    Args:
        home: the agent's folder.
        settings: of the agent.

    Raises:
        ConfigError: if the policy is wrong, the folder cannot be written or the vault's key cannot be had.
        StorageError: if the vault cannot be opened.
    """
    read_policy(settings.node(home).policy)
    with os_error_as(ConfigError, f"{home.folder}: cannot be written"):
        make_folders(home)
    open_vault(home, settings)


def open_vault(home: AgentHome, settings: AgentSettings) -> None:
    """Open the agent's vault; where nothing is sealed, as after ``delete-all``, a new one is made.

    Args:
        home: the agent's folder.
        settings: of the agent; where they name no key, nothing is done.

    Raises:
        ConfigError: if the key cannot be had.
        StorageError: if the vault cannot be opened or made.
    """
    source = settings.key_source(home)
    if source is None:
        return
    if is_vault(home.vault) or any(home.vault.glob(f"*{SUFFIX}")):
        Vault.open(home.vault, source)
    else:
        Vault.make(home.vault, source)


def heads_and_key(agent: Path | None, heads: Path | None, key: str) -> tuple[Path, str]:
    """Where a platform's heads lie, and what opens them.

    Args:
        agent: an agent's folder, whose heads are meant; None where a folder is named.
        heads: the folder that is named; None where an agent's is meant.
        key: what opens them, KIND:WHERE; it counts before the agent's. Empty for the agent's, or for none.

    Returns:
        the folder of the heads, and the key.

    Raises:
        ConfigError: if both folders are given or neither.
    """
    if (agent is None) == (heads is None):
        raise ConfigError("expected an agent's folder or --heads DIR, one of them")
    if agent is None:
        return heads or Path(), key
    home = AgentHome.existing(agent)
    return home.vault, key or read_settings(AgentSettings, home.settings).node(home).vault_key
