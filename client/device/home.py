"""The folder of a device: which file lies where, and how it is opened."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigError
from shared.system.options import option
from shared.system.settings_file import read_settings

if TYPE_CHECKING:
    from client.device.own_records import OwnRecords
    from client.store.keyring import KeySource


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """The settings file of a device."""

    vault_key: str = option(
        "file:vault.key",
        metavar="KIND:WHERE",
        help="What opens the device's vault: file:PATH, env:VARIABLE (64 hexadecimal digits) or passphrase:VARIABLE. "
        "Without it init makes a new file in DIR.",
    )


@dataclass(frozen=True)
class DeviceHome:
    """The paths in one folder; nothing in it is readable for other users of the machine."""

    folder: Path

    @classmethod
    def existing(cls, folder: Path) -> "DeviceHome":
        """Raises ConfigError where no device was made."""
        home = cls(folder.resolve())
        if not home.settings.is_file():
            raise ConfigError(f"{folder}: expected a device's folder; found none: make one with graft-device init")
        return home

    @property
    def settings(self) -> Path:
        """What the device's user sets."""
        return self.folder / "settings.toml"

    @property
    def pack(self) -> Path:
        """The platform's catalogue pack, which holds nothing of this user."""
        return self.folder / "catalogue.pack"

    @property
    def vault(self) -> Path:
        """History, head, feedback and what the device trusts, sealed."""
        return self.folder / "vault"

    @property
    def vault_key(self) -> Path:
        """What opens the vault, where the settings say nothing else."""
        return self.folder / "vault.key"

    @property
    def rounds(self) -> Path:
        """What a device that joined needs for rounds: keys, settings, policy, the ledger of what left."""
        return self.folder / "rounds"

    def key_source(self) -> "KeySource":
        """What opens the vault; raises ConfigError."""
        from client.store.keyring import KeySource

        return KeySource.parse(read_settings(DeviceSettings, self.settings).vault_key).within(self.folder)

    def records(self) -> "OwnRecords":
        """What the vault holds; raises ConfigError or StorageError where it does not open."""
        from client.device.own_records import OwnRecords
        from client.store.vault import Vault

        return OwnRecords(Vault.open(self.vault, self.key_source()))
