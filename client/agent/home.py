"""The folder of a platform's agent: which file lies where, and what its operator sets, never the coordinator."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from client.data.folder_options import DataSettings
from client.data.spec import parse_platform_spec
from client.guard.approved_bundles import PLACE as APPROVED
from client.guard.ledger import PLACE as LEDGER
from shared.errors import ConfigError
from shared.system.host import Endpoint
from shared.system.options import Checked, MetricsPort, entries, option

if TYPE_CHECKING:
    from client.rounds.workspace import NodeSettings
    from client.store.keyring import KeySource


class Place:
    """A path in the folder of a home."""

    def __init__(self, inside: str | Path) -> None:
        self._inside = inside

    def __get__(self, home: "AgentHome", _kind: type["AgentHome"]) -> Path:
        return home.folder / self._inside


@dataclass(frozen=True)
class AgentHome:
    """The paths in one folder; nothing in it is readable for other users of the machine."""

    folder: Path

    settings = Place("settings.toml")
    """what the platform's operator sets"""
    key = Place("node.key")
    """the platform's private key"""
    public_key = Place("node.key.pub")
    """what the coordinator enrols"""
    authority = Place("ca.crt")
    """the certificate that the coordinator's must be signed with, and the key that signs its tasks"""
    vault = Place("vault")
    """all that is private and kept: heads and more"""
    vault_key = Place("vault.key")
    """what opens the vault, where the settings say nothing else"""
    policy = Place("policy.toml")
    """the site policy, where the settings say nothing else"""
    ledger = Place(LEDGER)
    """every answer that left"""
    approved = Place(APPROVED)
    """the bundles that may run here"""
    programs = Place("state/programs")
    """what the engine starts in the place of Flower's own programs"""
    releases = Place("releases")
    """what is known of releases, and their files"""
    tokens = Place("tokens")
    """who may call the service"""
    logs = Place("logs")
    """a file for each process"""
    state = Place("state")
    """what running processes leave: a lock, process ids, Flower's own home, a secret"""
    connection = Place("state/connection.json")
    """when the connection was made or lost last"""
    secret = Place("state/superexec.secret")
    """shared by the SuperNode and the SuperExec alone; new at each start"""
    node_config = Place("state/node.toml")
    """what the platform's app is told on each task"""
    engine = Place("state/flwr")
    """Flower's own home"""

    @classmethod
    def existing(cls, folder: Path) -> "AgentHome":
        """Raises ConfigError where no agent was made."""
        home = cls(folder.resolve())
        if not home.settings.is_file():
            raise ConfigError(f"{folder}: no agent's folder; make one with graft-client init")
        return home


@dataclass(frozen=True, kw_only=True)
class MemberSettings(Checked, ABC):
    """What a platform's agent and a device that joined have in common; raises ConfigError for what cannot be."""

    server: str = option(
        "",
        required=True,
        metavar="HOST:PORT",
        check=lambda _key, text: Endpoint.parse(text),
        help="The coordinator.",
    )
    name: str = option("", required=True, help="The name, as it is enrolled: a-z, 0-9, _, . and -.")
    http_proxy: str = option(
        "", flag="", metavar="http://HOST:PORT", help="The way out of this network; empty goes straight."
    )
    threads: int = option(1, least=1, flag="", help="That a round may take.")
    memory_mib: int = option(
        0, least=0, flag="", help="That each process of a round may take, in MiB; 0 sets no bound."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        proxy = urlsplit(self.http_proxy)
        if self.http_proxy and not (proxy.scheme == "http" and proxy.hostname):
            raise ConfigError(f"http-proxy must be http://HOST:PORT or empty; got {self.http_proxy!r}")

    @abstractmethod
    def node(self, home: AgentHome) -> "NodeSettings":
        """What the app is told on each task: where the vault's key is, never the key."""


@dataclass(frozen=True, kw_only=True)
class AgentSettings(DataSettings, MetricsPort, MemberSettings):
    """The settings file, checked; raises ConfigError for what cannot be."""

    data: str = option(
        "",
        required=True,
        metavar="DIR[,...]",
        help="The platform folder or an SQL source's file, with options as in assess.",
    )
    vault_key: str = option(
        "",
        metavar="KIND:WHERE",
        help="What opens the vault: file:PATH, env:VARIABLE (64 hexadecimal digits) or passphrase:VARIABLE. Without it "
        "init makes a new file in DIR; empty in the settings: heads are plain files.",
    )
    policy: str = option(
        "",
        flag="",
        metavar="FILE",
        help="The site policy; a relative path counts from the agent's folder. Empty: the default one.",
    )
    update_every: float = option(
        0.0,
        least=0,
        flag="",
        metavar="HOURS",
        help="How often the running agent looks for a release by itself and installs it, as graft-client update does; "
        "0: never.",
        see="releases.md",
    )
    update_from: tuple[str, ...] = option(
        (),
        flag="",
        metavar="SOURCE",
        help="Where releases come from: coordinator, a folder or https://...; several are asked in their order. A "
        "relative path counts from the agent's folder. None: coordinator.",
        see="releases.md",
    )
    keep_loaded: bool = option(
        True,
        flag="",
        help="Whether a process holds the libraries of a task in memory, some 400 MiB, so that each starts at once.",
        see="decisions/0018-tasks-start-as-copies.md",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_platform_spec(f"{self.name}={self.data}")
        self._key_source()

    def _key_source(self) -> "KeySource | None":
        from client.store.keyring import KeySource

        return KeySource.parse(self.vault_key) if self.vault_key else None

    def key_source(self, home: AgentHome) -> "KeySource | None":
        """What opens the vault; None where there is none."""
        source = self._key_source()
        return None if source is None else source.within(home.folder)

    def node(self, home: AgentHome) -> "NodeSettings":
        """What the platform's app is told on each task: where the vault's key is, never the key."""
        from client.rounds.workspace import NodeSettings

        return NodeSettings(
            platform=f"{self.name}={self.data}",
            heads=str(home.vault),
            vault_key=str(self.key_source(home) or ""),
            policy=str(home.folder / self.policy) if self.policy else "",
            ledger=str(home.ledger),
            coordinator=str(home.authority),
            **{entry.path[0]: entry.of(self) for entry in entries(DataSettings)},
        )
