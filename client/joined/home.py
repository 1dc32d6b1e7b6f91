"""The part of a device's folder that rounds need: keys and settings as a platform's agent has them, and one vault."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client.agent.home import AgentHome, MemberSettings, Place
from client.device.home import DeviceHome
from client.joined.conditions import Conditions
from shared.errors import ConfigError
from shared.system.options import group

if TYPE_CHECKING:
    from client.rounds.workspace import NodeSettings


class JoinedHome(AgentHome):
    """``rounds`` in a device's folder; the vault is the device's own."""

    vault = Place("../vault")
    vault_key = Place("../vault.key")

    @classmethod
    def of(cls, device: DeviceHome) -> "JoinedHome":
        """Of a device, whether it joined or not."""
        return cls(device.rounds)

    @classmethod
    def joined(cls, folder: Path) -> "JoinedHome":
        """Raises ConfigError where the folder is no device's, or the device has not joined."""
        home = cls.of(DeviceHome.existing(folder))
        if not home.settings.is_file():
            raise ConfigError(f"{folder}: this device has not joined: graft-device join {folder}")
        return home

    @property
    def device(self) -> DeviceHome:
        """Whose it is."""
        return DeviceHome(self.folder.parent)


@dataclass(frozen=True, kw_only=True)
class JoinedSettings(MemberSettings):
    """The settings of rounds; raises ConfigError for what cannot be."""

    conditions: Conditions = group(Conditions)

    def node(self, home: AgentHome) -> "NodeSettings":
        """What the app is told on each task: where the vault's key is, never the key."""
        from client.rounds.workspace import DEVICE, NodeSettings

        device = DeviceHome(home.folder.parent)
        return NodeSettings(
            platform=f"{self.name}={device.folder}",
            heads=str(device.vault),
            vault_key=str(device.key_source()),
            policy=str(home.policy),
            ledger=str(home.ledger),
            coordinator=str(home.authority),
            holder=DEVICE,
        )
