"""What a device holds and what left it, for its user."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.data.feedback import MET
from client.device.home import DeviceHome
from client.device.opened_device import own_pack
from client.store.vault import KEYRING, SECOND_RING
from shared.errors import ConfigError, os_error_as

NOTHING = "nothing has left this device"


def status(folder: Path) -> dict[str, Any]:
    """How a device stands.

    Args:
        folder: the device's.

    Returns:
        As JSON takes it: pack, platform's key, events, head.

    Raises:
        ConfigError: if the folder is no device's.
        StorageError: if the vault does not open.
        PackRefused: if the pack is not the one that the device took.
    """
    home = DeviceHome.existing(folder)
    records = home.records()
    pack, events = own_pack(home, records), records.events()
    return {
        "folder": str(home.folder),
        "platform_key": pack.key.hex(),
        "version": pack.version,
        "made": pack.facts["made"],
        "items": len(pack.item_ids),
        "bytes": home.pack.stat().st_size,
        "encoder": pack.facts["head"],
        "events": sum(event.kind in MET for event in events),
        "other_feedback": sum(event.kind not in MET for event in events),
        "head": records.head(pack.facts["encoder"]) is not None,
    }


def audit(folder: Path) -> dict[str, Any]:
    """What a device holds, and all that left it.

    Args:
        folder: the device's.

    Returns:
        As JSON takes it: sealed records by name, plain files, and what the device asked others for.

    Raises:
        ConfigError: if the folder is no device's.
        StorageError: if the vault does not open.
    """
    home = DeviceHome.existing(folder)
    records = home.records()
    plain = (home.pack, home.settings, home.vault_key, *sorted(path for path in home.rounds.glob("*")))
    return {
        "sealed": {name: (home.vault / f"{name}.sealed").stat().st_size for name in records.names()},
        "plain": {path.name: path.stat().st_size for path in plain if path.is_file()},
        "left": [{"time": each.time, "address": each.address, "received": each.received} for each in records.asked()],
    }


def audit_lines(holdings: Mapping[str, Any]) -> list[str]:
    """The same in words."""
    lines = [f"sealed: {name}, {size:,} bytes" for name, size in holdings["sealed"].items()]
    lines += [f"plain: {name}, {size:,} bytes" for name, size in holdings["plain"].items()]
    asked = [
        f"asked {each['address']} for a file, which got no more than this; {each['received']:,} bytes came"
        for each in holdings["left"]
    ]
    return [*lines, *(asked or [NOTHING])]


@dataclass(frozen=True, kw_only=True)
class DeviceErasure:
    """What would be erased."""

    home: DeviceHome
    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> "DeviceErasure":
        """All files of a device; nothing is removed yet. Raises ConfigError where the folder is no device's."""
        home = DeviceHome.existing(folder)
        sealed = sorted(path for path in home.vault.rglob("*") if path.is_file())
        of_rounds = sorted(path for path in home.rounds.rglob("*") if path.is_file() or path.is_symlink())
        known = (home.vault_key, home.pack, home.settings)
        return cls(home=home, files=(*sealed, *of_rounds, *(path for path in known if path.is_file())))

    @property
    def sentence(self) -> str:
        """What is about to happen."""
        size = sum(path.lstat().st_size for path in self.files)
        what = f"{len(self.files)} files, {size:,} bytes, are erased for good: history, head, key and pack."
        return f"{self.home.folder}: {what}"

    def erase(self) -> None:
        """The keyring and the key first: without them what is sealed is noise. Raises ConfigError."""
        first = [self.home.vault / KEYRING, self.home.vault / SECOND_RING, self.home.vault_key]
        with os_error_as(ConfigError, f"{self.home.folder}: not all could be erased; try again"):
            for path in (*first, *self.files):
                path.unlink(missing_ok=True)
            if self.home.vault.is_dir():
                self.home.vault.rmdir()
            shutil.rmtree(self.home.rounds, ignore_errors=True)
