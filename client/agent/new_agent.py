"""Making an agent's folder: its key pair, the coordinator's authority, and the settings."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.agent.home import AgentHome, AgentSettings
from client.agent.private_part import make_private_part
from client.data.source import require_readable
from client.data.spec import parse_platform_spec
from client.features.item_features import check_features
from client.store.keyring import FILE, KeySource
from shared.errors import ConfigError, os_error_as
from shared.system.settings_file import to_toml
from shared.system.whole_file import write_whole


@dataclass(frozen=True)
class KeyPair:
    """Both halves as they stand in files."""

    private: bytes
    public: bytes


def new_key_pair() -> KeyPair:
    """A new pair; the private half has no passphrase, since the agent starts without anybody there."""
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private=private, public=public + b"\n")


def make_agent(folder: Path, settings: AgentSettings, authority: Path) -> AgentHome:
    """Make the folder; where the settings name no key of the vault, it gets a key file of its own.

    Raises ConfigError where there is one already, for a feature space or an authority that is none, or a key that
    cannot be had.
    """
    check_features(settings.features)
    certificate = _authority(authority)
    home = AgentHome(folder.resolve())
    if home.folder.exists() and (not home.folder.is_dir() or any(home.folder.iterdir())):
        raise ConfigError(f"{folder}: exists already and is not an empty folder")
    with os_error_as(ConfigError, f"{folder}: cannot be written"):
        _write(home, settings, certificate)
    return home


def enrolment_line(home: AgentHome, settings: AgentSettings) -> str:
    """What the coordinator's operator runs once the public key is there."""
    return f"graft-server enroll {shlex.quote(settings.name)} --public-key {home.public_key.name}"


def absolute_data(name: str, data: str) -> str:
    """The platform folder, with its options, wherever a process stands; raises ConfigError for a bad line."""
    spec = parse_platform_spec(f"{name}={data}")
    require_readable(spec.path, now=False)
    return str(replace(spec, path=spec.path.resolve())).removeprefix(f"{name}=")


def absolute_key(key: str) -> str:
    """What opens the vault, wherever a process stands; raises ConfigError for anything else than KIND:WHERE."""
    return str(KeySource.parse(key).within(Path.cwd())) if key else ""


def where_the_key_is(home: AgentHome, vault_key: str) -> str:
    """What opens the vault, for the operator's eyes; ``vault_key`` is empty where the folder holds its own."""
    if vault_key:
        return f"{vault_key} opens it"
    return f"{home.vault_key} opens it: to keep it elsewhere, move it and name it in {home.settings.name}, vault-key"


def _write(home: AgentHome, settings: AgentSettings, certificate: bytes) -> None:
    """The settings last: they show that the folder is whole."""
    whole = replace(settings, vault_key=settings.vault_key or f"{FILE}:{home.vault_key.name}", policy=home.policy.name)
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.folder.chmod(0o700)
    make_private_part(home, whole, own_key=not settings.vault_key)
    keys = new_key_pair()
    write_whole(home.key, keys.private)
    write_whole(home.public_key, keys.public)
    write_whole(home.authority, certificate)
    write_whole(home.settings, to_toml(whole))


def _authority(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        x509.load_pem_x509_certificate(content)
    except OSError as error:
        raise ConfigError(f"{path}: the authority's certificate cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: expected the authority's certificate as PEM") from error
    return content
