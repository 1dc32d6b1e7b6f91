"""Making a coordinator's folder: settings, authority, certificate, keys, and the encoder it begins with."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from server.coordinator.certificates import Issued, new_authority, server_certificate
from server.coordinator.home import ServerHome, ServerSettings
from server.coordinator.task_key import ensure_task_key
from shared.encoder.file import load_encoder
from shared.errors import ConfigError, os_error_as
from shared.federation.signatures import TaskSigner
from shared.system.settings_file import to_toml
from shared.system.whole_file import write_whole


@dataclass(frozen=True)
class Made:
    """What was made, for the operator's eyes."""

    home: ServerHome
    settings: ServerSettings

    def lines(self) -> list[str]:
        """Where it is, and what a platform needs of it."""
        return [
            f"{self.home.folder}: a coordinator, reached at {', '.join(self._addresses)}",
            f"give every platform its address and {self.home.authority}",
            f"its tasks are signed; platforms see the key as {self._task_key}",
        ]

    def to_json(self) -> dict[str, Any]:
        """The same."""
        home = {"folder": str(self.home.folder), "authority": str(self.home.authority)}
        return {**home, "addresses": self._addresses, "task_key": self._task_key}

    @property
    def _addresses(self) -> list[str]:
        return [f"{name}:{self.settings.port}" for name in self.settings.names]

    @property
    def _task_key(self) -> str:
        return TaskSigner.read(self.home.task_key).fingerprint


def make_coordinator(folder: Path, encoder: Path, settings: ServerSettings, *, now: datetime) -> Made:
    """Make the folder: settings, authority, certificate, keys, and the encoder it begins with.

    Args:
        folder: where it is made; it must not exist or must be empty.
        encoder: the encoder file that the first run starts from.
        settings: of the server.
        now: the present time, from which the certificates count.

    Returns:
        What was made.

    Raises:
        ConfigError: if there is such a folder already, or it cannot be written.
        EncoderFileError: if the encoder file cannot be read or is not one.
    """
    load_encoder(encoder)
    home = ServerHome(folder.resolve())
    if home.folder.exists() and (not home.folder.is_dir() or any(home.folder.iterdir())):
        raise ConfigError(f"{folder}: exists already and is not an empty folder; name another one")
    with os_error_as(ConfigError, f"{folder}: cannot be written"):
        _write(home, encoder, settings, now)
    return Made(home, settings)


def renew_certificate(home: ServerHome, settings: ServerSettings, *, now: datetime) -> None:
    """Make a new certificate for the server from the same authority: platforms need nothing new.

    Args:
        home: the coordinator's folder, in which the certificate and its key are replaced.
        settings: of the server; its ``names`` are what the certificate is for.
        now: the present time, from which the certificate counts.

    Raises:
        ConfigError: if the certificate cannot be renewed.
    """
    with os_error_as(ConfigError, f"{home.folder}: the certificate cannot be renewed"):
        _write_certificate(home, Issued(home.authority.read_bytes(), home.authority_key.read_bytes()), settings, now)


def _write(home: ServerHome, encoder: Path, settings: ServerSettings, now: datetime) -> None:
    """The settings last: they show that the folder is whole."""
    for folder in (home.authority.parent, home.state, home.engine, home.runs, home.logs):
        folder.mkdir(parents=True, exist_ok=True)
    home.folder.chmod(0o700)
    authority = new_authority(now)
    write_whole(home.authority, authority.certificate)
    write_whole(home.authority_key, authority.key)
    _write_certificate(home, authority, settings, now)
    ensure_task_key(home)
    write_whole(home.secret, secrets.token_hex(32).encode("ascii"))
    write_whole(home.encoder, encoder.read_bytes())
    write_whole(home.settings, to_toml(settings))


def _write_certificate(home: ServerHome, authority: Issued, settings: ServerSettings, now: datetime) -> None:
    issued = server_certificate(authority, settings.names, now)
    write_whole(home.certificate_key, issued.key)
    write_whole(home.certificate, issued.certificate)
