"""Making an agent's folder: its key pair, the coordinator's authority, and the settings."""

import shlex
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from client.agent.home import AgentHome
from client.agent.keys import new_key_pair
from client.agent.settings import AgentSettings
from client.data.source import require_readable
from client.data.spec import parse_platform_spec
from shared.errors import ConfigError
from shared.settings_file import to_toml
from shared.whole_file import write_whole


def make_agent(folder: Path, settings: AgentSettings, authority: Path) -> AgentHome:
    """Make the folder; raises ConfigError where there is one already, or for an authority that is none."""
    certificate = _authority(authority)
    home = AgentHome(folder.resolve())
    if home.folder.exists() and (not home.folder.is_dir() or any(home.folder.iterdir())):
        raise ConfigError(f"{folder}: exists already and is not an empty folder")
    try:
        _write(home, settings, certificate)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    return home


def enrolment_line(home: AgentHome, settings: AgentSettings) -> str:
    """What the coordinator's operator runs once the public key is there."""
    return f"graft-server enroll {shlex.quote(settings.name)} --public-key {home.public_key.name}"


def absolute_data(name: str, data: str) -> str:
    """The platform folder, with its options, wherever a process stands; raises ConfigError for a bad line."""
    spec = parse_platform_spec(f"{name}={data}")
    require_readable(spec.path, now=False)
    return str(replace(spec, path=spec.path.resolve())).removeprefix(f"{name}=")


def _write(home: AgentHome, settings: AgentSettings, certificate: bytes) -> None:
    """The settings last: they show that the folder is whole."""
    for folder in (home.vault, home.logs, home.engine):
        folder.mkdir(parents=True, exist_ok=True)
    home.folder.chmod(0o700)
    keys = new_key_pair()
    write_whole(home.key, keys.private)
    write_whole(home.public_key, keys.public)
    write_whole(home.authority, certificate)
    write_whole(home.settings, to_toml(settings))


def _authority(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        x509.load_pem_x509_certificate(content)
    except OSError as error:
        raise ConfigError(f"{path}: the authority's certificate cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: expected the authority's certificate as PEM") from error
    return content
