"""Joining: a device's key pair, the coordinator's authority, a policy, and the key for secure sums."""

from pathlib import Path

from client.agent.authority import read_authority
from client.agent.key_pair import new_key_pair
from client.agent.sum_key import bring_sum_key
from client.device.home import DeviceHome
from client.guard.device_policy import DevicePolicy
from client.joined.home import JoinedHome, JoinedSettings
from shared.errors import ConfigError, os_error_as
from shared.secure_sum.roster import PARTY
from shared.system.settings_file import to_toml
from shared.system.utc_clock import utc_now
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600


def join(folder: Path, settings: JoinedSettings, authority: Path, policy: DevicePolicy) -> JoinedHome:
    """Let a device be enrolled as a platform is; nothing is sent.

    Args:
        folder: of a device that has its pack.
        settings: which coordinator, under which name, and when.
        authority: file of the coordinator's authority.
        policy: what may leave.

    Returns:
        What was made in the folder.

    Raises:
        ConfigError: if the folder is no device's or the device has joined, or the name or the authority is none.
        StorageError: if the vault does not open.
    """
    device = DeviceHome.existing(folder)
    home = JoinedHome.of(device)
    if home.settings.exists():
        raise ConfigError(f"{folder}: this device has joined already; {home.settings} says what")
    if PARTY.fullmatch(settings.name) is None or "," in str(device.folder):
        expected = "expected a name of 1 to 63 of a-z, 0-9, _, . and -, and a folder without a comma"
        raise ConfigError(f"{expected}; found {settings.name!r} and {device.folder}")
    certificate = read_authority(authority, now=utc_now())
    with os_error_as(ConfigError, f"{home.folder}: cannot be written"):
        for place in (home.folder, home.logs, home.engine):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys = new_key_pair(settings.name)
        write_whole(home.key, keys.private, mode=OWNER_ONLY)
        write_whole(home.public_key, keys.public, mode=OWNER_ONLY)
        write_whole(home.authority, certificate, mode=OWNER_ONLY)
        write_whole(home.policy, to_toml(policy), mode=OWNER_ONLY)
        bring_sum_key(home, settings)
        write_whole(home.settings, to_toml(settings), mode=OWNER_ONLY)
    return home
