"""The folder of a coordinator: which file lies where."""

from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigError


@dataclass(frozen=True)
class ServerHome:
    """The paths in one folder; nothing in it is readable for other users of the machine."""

    folder: Path

    @classmethod
    def existing(cls, folder: Path) -> "ServerHome":
        """Raises ConfigError where no coordinator was made."""
        home = cls(folder.resolve())
        if not home.settings.is_file():
            raise ConfigError(f"{folder}: no coordinator's folder; make one with graft-server init")
        return home

    @property
    def settings(self) -> Path:
        """What the operator sets."""
        return self.folder / "settings.toml"

    @property
    def encoder(self) -> Path:
        """The newest encoder: that of ``init``, then that of the last run that was completed."""
        return self.folder / "encoder.safetensors"

    @property
    def authority(self) -> Path:
        """The certificate that every platform is given."""
        return self.folder / "tls" / "ca.crt"

    @property
    def authority_key(self) -> Path:
        """Signs the server's certificates."""
        return self.folder / "tls" / "ca.key"

    @property
    def certificate(self) -> Path:
        """The server's."""
        return self.folder / "tls" / "server.crt"

    @property
    def certificate_key(self) -> Path:
        """The server's."""
        return self.folder / "tls" / "server.key"

    @property
    def secret(self) -> Path:
        """Shared by the SuperLink and the SuperExec alone."""
        return self.folder / "superexec.secret"

    @property
    def platforms(self) -> Path:
        """Who may join."""
        return self.folder / "platforms.json"

    @property
    def database(self) -> Path:
        """The engine's."""
        return self.folder / "state" / "engine.db"

    @property
    def state(self) -> Path:
        """What running processes leave: locks, process ids, the engine's database."""
        return self.folder / "state"

    @property
    def engine(self) -> Path:
        """Flower's own home."""
        return self.folder / "flwr"

    @property
    def bundle(self) -> Path:
        """Where the release's app folder is made."""
        return self.folder / "bundle"

    @property
    def runs(self) -> Path:
        """A folder for each run."""
        return self.folder / "runs"

    @property
    def logs(self) -> Path:
        """A file for each process."""
        return self.folder / "logs"
