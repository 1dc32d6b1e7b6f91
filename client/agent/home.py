"""The folder of a platform's agent: which file lies where."""

from dataclasses import dataclass
from pathlib import Path

from client.guard.approved_bundles import PLACE as APPROVED
from client.guard.ledger import PLACE as LEDGER
from client.guard.site_policy import PLACE as POLICY
from shared.errors import ConfigError


@dataclass(frozen=True)
class AgentHome:
    """The paths in one folder; nothing in it is readable for other users of the machine."""

    folder: Path

    @classmethod
    def existing(cls, folder: Path) -> "AgentHome":
        """Raises ConfigError where no agent was made."""
        home = cls(folder.resolve())
        if not home.settings.is_file():
            raise ConfigError(f"{folder}: no agent's folder; make one with graft-client init")
        return home

    @property
    def settings(self) -> Path:
        """What the platform's operator sets."""
        return self.folder / "settings.toml"

    @property
    def key(self) -> Path:
        """The platform's private key."""
        return self.folder / "node.key"

    @property
    def public_key(self) -> Path:
        """What the coordinator enrols."""
        return self.folder / "node.key.pub"

    @property
    def authority(self) -> Path:
        """The certificate that the coordinator's must be signed with."""
        return self.folder / "ca.crt"

    @property
    def vault(self) -> Path:
        """All that is private and kept: heads and more."""
        return self.folder / "vault"

    @property
    def vault_key(self) -> Path:
        """What opens the vault, where the settings say nothing else."""
        return self.folder / "vault.key"

    @property
    def policy(self) -> Path:
        """The site policy, where the settings say nothing else."""
        return self.folder / POLICY

    @property
    def ledger(self) -> Path:
        """Every answer that left."""
        return self.folder / LEDGER

    @property
    def approved(self) -> Path:
        """The bundles that may run here."""
        return self.folder / APPROVED

    @property
    def programs(self) -> Path:
        """What the engine starts in the place of Flower's own programs."""
        return self.state / "programs"

    @property
    def tokens(self) -> Path:
        """Who may call the service."""
        return self.folder / "tokens"

    @property
    def logs(self) -> Path:
        """A file for each process."""
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        """What running processes leave: a lock, process ids, Flower's own home, a secret."""
        return self.folder / "state"

    @property
    def secret(self) -> Path:
        """Shared by the SuperNode and the SuperExec alone; new at each start."""
        return self.state / "superexec.secret"

    @property
    def node_config(self) -> Path:
        """What the platform's app is told on each task."""
        return self.state / "node.toml"

    @property
    def engine(self) -> Path:
        """Flower's own home."""
        return self.state / "flwr"
