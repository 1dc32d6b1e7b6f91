"""Making an agent's folder: its key pair, the coordinator's authority, and the settings."""

import shlex
from dataclasses import replace
from pathlib import Path

from client.agent.authority import read_authority
from client.agent.home import AgentHome, AgentSettings, MemberSettings
from client.agent.key_pair import new_key_pair
from client.agent.private_part import make_private_part
from client.agent.sum_key import bring_sum_key
from client.data.source import require_readable
from client.data.spec import parse_platform_spec
from client.features.item_features import check_features
from client.guard.site_policy import USUAL, SitePromise
from client.store.keyring import FILE, KeySource
from shared.errors import ConfigError, os_error_as
from shared.system.settings_file import to_toml
from shared.system.utc_clock import utc_now
from shared.system.whole_file import write_whole


def require_new(folder: Path) -> None:
    """Raises ConfigError where something lies there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        agent = AgentHome(folder).settings
        do = f"to change that agent, change {agent} and start it again" if agent.is_file() else "name another one"
        raise ConfigError(f"{folder}: exists already and is not an empty folder; {do}")


def make_agent(folder: Path, settings: AgentSettings, authority: Path, promise: SitePromise = USUAL) -> AgentHome:
    """Make the folder; where the settings name no key of the vault, it gets a key file of its own.

    Args:
        folder: where it is made.
        settings: of the agent.
        authority: file of the coordinator's authority.
        promise: to the platform's users, written into the site policy.

    Returns:
        the new folder.

    Raises:
        ConfigError: if there is one already, the feature space or the authority is none, or a key cannot be had.
    """
    check_features(settings.features)
    certificate = read_authority(authority, now=utc_now())
    home = AgentHome(folder.resolve())
    require_new(home.folder)
    with os_error_as(ConfigError, f"{folder}: cannot be written"):
        _write(home, settings, certificate, promise)
    return home


def enrolment_line(home: AgentHome, settings: MemberSettings) -> str:
    """What the coordinator's operator runs once the public key is there.

    Args:
        home: the agent's folder, which holds the public key.
        settings: of the agent; they name the platform.

    Returns:
        a line for a shell.
    """
    return f"graft-server enroll {shlex.quote(settings.name)} --public-key {home.public_key.name}"


def absolute_data(name: str, data: str) -> str:
    """The platform's data, with their options, wherever a process stands.

    Args:
        name: of the platform.
        data: the platform folder or an SQL source's file, with its options.

    Returns:
        the same with an absolute path.

    Raises:
        ConfigError: if the line or the SQL source's file is wrong.
    """
    spec = parse_platform_spec(f"{name}={data}")
    require_readable(spec.path, now=False)
    return str(replace(spec, path=spec.path.resolve())).removeprefix(f"{name}=")


def absolute_key(key: str) -> str:
    """What opens the vault, wherever a process stands; raises ConfigError for anything else than KIND:WHERE."""
    return str(KeySource.parse(key).within(Path.cwd())) if key else ""


def where_the_key_is(home: AgentHome, vault_key: str) -> str:
    """What opens the vault, for the operator's eyes.

    Args:
        home: the agent's folder.
        vault_key: what the settings name; empty where the folder holds its own key.

    Returns:
        a phrase.
    """
    if vault_key:
        return f"{vault_key} opens it"
    return f"{home.vault_key} opens it: to keep it elsewhere, move it and name it in {home.settings.name}, vault-key"


def _write(home: AgentHome, settings: AgentSettings, certificate: bytes, promise: SitePromise) -> None:
    """The settings last: they show that the folder is whole."""
    whole = replace(settings, vault_key=settings.vault_key or f"{FILE}:{home.vault_key.name}", policy=home.policy.name)
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.folder.chmod(0o700)
    make_private_part(home, whole, promise, own_key=not settings.vault_key)
    keys = new_key_pair(settings.name)
    write_whole(home.key, keys.private)
    write_whole(home.public_key, keys.public)
    write_whole(home.authority, certificate)
    bring_sum_key(home, whole)
    write_whole(home.settings, to_toml(whole))
