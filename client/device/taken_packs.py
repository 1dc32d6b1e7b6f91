"""Taking a catalogue pack: a new device's first one, a later one, or a delta that leads to it."""

import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError

from client.device.home import DeviceHome, DeviceSettings
from client.device.opened_device import own_pack
from client.device.own_records import Asked, OwnRecords
from client.device.pack import CataloguePack
from client.device.pack_delta import applied
from client.device.signed_file import PACK, open_signed, read_key
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from shared.errors import ConfigError, PackRefused, os_error_as
from shared.system.settings_file import to_toml
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600
_MOST_BYTES = 2**30
"""of a file that is fetched"""
_SECONDS = 60.0
"""for which an address may be silent"""


def new_device(folder: Path, pack: str, platform_key: str = "", vault_key: str = "") -> CataloguePack:
    """Make a device's folder.

    Args:
        folder: where it is made; it may be there, but no device in it.
        pack: file or address of the platform's pack.
        platform_key: 64 hexadecimal digits of the key that signs; empty: whose pack this is will be believed later.
        vault_key: what opens the vault, ``KIND:WHERE``; empty: a new key file in the folder.

    Returns:
        The pack that it took.

    Raises:
        ConfigError: if there is a device already, or the folder cannot be written.
        PackRefused: if the pack is not one of this platform's.
        StorageError: if the vault cannot be made.
    """
    home = DeviceHome(folder.resolve())
    if home.settings.exists():
        raise ConfigError(f"{folder}: holds a device already")
    key = read_key(platform_key) if platform_key else None
    settings = DeviceSettings(vault_key=vault_key or DeviceSettings().vault_key)
    source = KeySource.parse(settings.vault_key).within(home.folder)
    with _at_hand(pack) as (file, asked):
        taken = CataloguePack.open(file, key)
        with os_error_as(ConfigError, f"{folder}: cannot be written"):
            home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not vault_key:
                write_whole(home.vault_key, f"{new_key()}\n".encode("ascii"), mode=OWNER_ONLY)
            write_whole(home.pack, file.read_bytes(), mode=OWNER_ONLY)
        records = OwnRecords(Vault.make(home.vault, source))
        records.write_trust(taken)
        records.write_asked(asked)
        with os_error_as(ConfigError, f"{folder}: cannot be written"):
            write_whole(home.settings, to_toml(settings), mode=OWNER_ONLY)
    return CataloguePack.open(home.pack, taken.key)


def update(folder: Path, pack_or_delta: str) -> CataloguePack:
    """Take a later pack.

    Args:
        folder: the device's.
        pack_or_delta: file or address of the pack, or of what leads to it from the one that the device has.

    Returns:
        The pack that the device has now.

    Raises:
        ConfigError: if the folder is no device's.
        PackRefused: if it is not of the same platform, no later one, or leads on from another pack.
        StorageError: if the vault cannot be read or written.
    """
    home = DeviceHome.existing(folder)
    records = home.records()
    trust = records.trust()
    key = bytes.fromhex(trust.key)
    with _at_hand(pack_or_delta) as (file, asked):
        records.write_asked([*records.asked(), *asked])
        offered = open_signed(file, key)
        if offered.kind == PACK:
            content = file.read_bytes()
        else:
            content = applied(own_pack(home, records), offered, pack_or_delta)
        with os_error_as(ConfigError, f"{folder}: cannot be written"), TemporaryDirectory(dir=home.folder) as beside:
            later_file = Path(beside) / home.pack.name
            write_whole(later_file, content, mode=OWNER_ONLY)
            later = CataloguePack.open(later_file, key)
            if later.version <= trust.version:
                expected = f"expected a later version than {trust.version}, which this device has"
                raise PackRefused(f"{pack_or_delta}: {expected}; found version {later.version}")
            later_file.replace(home.pack)
        records.write_trust(later)
    return later


@contextmanager
def _at_hand(where: str) -> Iterator[tuple[Path, list[Asked]]]:
    """A file, fetched where an address is given, and what was asked for it."""
    if not where.startswith(("http://", "https://")):
        yield Path(where), []
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fetched"
        content = _fetched(where)
        with os_error_as(ConfigError, f"{where}: cannot be kept"):
            file.write_bytes(content)
        yield file, [Asked(time=time.time(), address=where, received=len(content))]


def _fetched(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 (http and https alone)
            content: bytes = answer.read(_MOST_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        raise PackRefused(f"{address}: cannot be fetched: {getattr(error, 'reason', error)}") from error
    if len(content) > _MOST_BYTES:
        raise PackRefused(f"{address}: expected at most {_MOST_BYTES:,} bytes; found more")
    return content
