"""The folder of a coordinator: which file lies where, and what the operator sets in it.

Settings say where platforms reach it, and how much it takes from one of them.
"""

from dataclasses import dataclass
from pathlib import Path

from server.coordinator.release_settings import ReleaseSettings
from shared.errors import ConfigError
from shared.system.door_limits import DoorLimits
from shared.system.host import check_address, is_host
from shared.system.options import MOST_PORT, MetricsPort, option


def _check_names(key: str, names: tuple[str, ...]) -> None:
    if not names:
        raise ConfigError(f"{key} must be at least one host name or address; got []")
    if wrong := [name for name in names if not is_host(name)]:
        raise ConfigError(f"{key} must be host names or IP addresses; got {wrong[0]!r}")


@dataclass(frozen=True, kw_only=True)
class ServerSettings(DoorLimits, MetricsPort, ReleaseSettings):
    """The settings file, checked; raises ConfigError for what cannot be."""

    host: str = option(
        "0.0.0.0",  # noqa: S104
        check=check_address,
        help="The address to listen on; the engine itself listens on loopback alone.",
    )
    port: int = option(9443, least=1, most=MOST_PORT, help="The port that platforms reach.")
    names: tuple[str, ...] = option(
        ("localhost",),
        check=_check_names,
        flag="--name",
        repeated=True,
        help="A host name or address under which platforms reach it; may be repeated. The certificate is made for "
        "these.",
    )
    body_mib: int = option(512, above=0, flag="", help="The largest request, in MiB.")
    requests_per_second: float = option(
        100.0, above=0, flag="", help="Of one address, on the long run; four times as many at once."
    )
    address_connections: int = option(
        64, least=1, flag="", help="That one address holds at once; beyond it, an idle one of its own makes room."
    )
    keep_runs: int = option(
        2,
        least=1,
        flag="",
        help="The newest runs are kept whole; of older ones that were completed, the encoder and the rounds.",
        see="decisions/0034-why-a-platform-takes-no-part.md",
    )
    log_mib: int = option(
        10, above=0, flag="", help="A log is put aside at this size, in MiB, and the one before it is dropped."
    )


@dataclass(frozen=True)
class ServerHome:
    """The paths in one folder; nothing in it is readable for other users of the machine."""

    folder: Path

    @classmethod
    def existing(cls, folder: Path) -> "ServerHome":
        """The paths in a folder that a coordinator was made in.

        Args:
            folder: of the coordinator.

        Returns:
            The paths.

        Raises:
            ConfigError: if no coordinator was made there.
        """
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
    def ledgers(self) -> Path:
        """What each platform released under noise, in a file of its own."""
        return self.folder / "ledgers"

    @property
    def summed(self) -> Path:
        """Which platforms were summed together without noise: no set may differ by a few from one of before."""
        return self.folder / "summed-sets.json"

    @property
    def task_key(self) -> Path:
        """Signs the tasks of runs; platforms get its public half behind the authority's certificate."""
        return self.folder / "tls" / "tasks.key"

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
    def programs(self) -> Path:
        """What the engine starts in the place of Flower's own program."""
        return self.folder / "state" / "programs"

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
    def releases(self) -> Path:
        """What platforms fetch of releases, as any HTTPS server may serve it."""
        return self.folder / "releases"

    @property
    def release_keys(self) -> Path:
        """Sign releases; some of them may lie elsewhere."""
        return self.folder / "release-keys"

    @property
    def logs(self) -> Path:
        """A file for each process."""
        return self.folder / "logs"
