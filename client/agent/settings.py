"""What a platform's operator sets for the agent; none of it ever comes from the coordinator."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from client.agent.home import AgentHome
from client.data.spec import parse_platform_spec
from client.rounds.workspace import NodeSettings
from client.store.key_source import KeySource
from shared.system.host import Endpoint
from shared.system.metrics_port import require_port
from shared.system.settings_file import require


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """The settings file, checked; raises ConfigError for what cannot be."""

    server: str = ""
    """the coordinator, HOST:PORT"""
    name: str = ""
    """the platform's name, as it is enrolled"""
    data: str = ""
    """the platform folder, with the options of a platform: DIR,min-rating=4"""
    vault_key: str = ""
    """what opens the vault, KIND:WHERE as client/store/key_source.py reads it; empty: heads are plain files"""
    policy: str = ""
    """the site policy's file; empty: the default one. Relative paths of both count from the agent's folder"""
    features: str = "hashing"
    """feature space: hashing or precomputed"""
    seed: int = 0
    """of the preparation"""
    min_user_events: int = 3
    min_item_events: int = 1
    http_proxy: str = ""
    """the way out of this network, http://HOST:PORT; empty goes straight"""
    metrics_port: int = 0
    """of loopback, from which Prometheus reads; 0: none"""
    threads: int = 1
    """that a round may take"""
    keep_loaded: bool = True
    """whether a process holds the libraries of a task in memory, some 400 MiB, so that each starts at once"""
    memory_mib: int = 0
    """that each process of a round may take, in MiB; 0 sets no bound"""

    def __post_init__(self) -> None:
        Endpoint.parse(self.server)
        parse_platform_spec(f"{self.name}={self.data}")
        if self.vault_key:
            KeySource.parse(self.vault_key)
        for field in ("min_user_events", "min_item_events", "threads"):
            require(field, getattr(self, field) >= 1, "1 or more", getattr(self, field))
        for field in ("seed", "memory_mib"):
            require(field, getattr(self, field) >= 0, "0 or more", getattr(self, field))
        require_port(self.metrics_port)
        proxy = urlsplit(self.http_proxy)
        holds = not self.http_proxy or (proxy.scheme == "http" and bool(proxy.hostname))
        require("http_proxy", holds, "http://HOST:PORT or empty", self.http_proxy)

    def key_source(self, home: AgentHome) -> KeySource | None:
        """What opens the vault; None where there is none."""
        return KeySource.parse(self.vault_key).within(home.folder) if self.vault_key else None

    def node(self, home: AgentHome) -> NodeSettings:
        """What the platform's app is told on each task: where the vault's key is, never the key."""
        return NodeSettings(
            platform=f"{self.name}={self.data}",
            heads=str(home.vault),
            vault_key=str(self.key_source(home) or ""),
            policy=str(home.folder / self.policy) if self.policy else "",
            ledger=str(home.ledger),
            seed=self.seed,
            features=self.features,
            min_user_events=self.min_user_events,
            min_item_events=self.min_item_events,
        )
