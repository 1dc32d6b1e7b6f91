"""What is looked at and written before a joined device's process starts."""

import secrets

import tomli_w

from client.agent.key_pair import require_key_pair
from client.agent.new_agent import enrolment_line
from client.agent.release_bundle import approve_release
from client.agent.sum_key import bring_sum_key, send_again
from client.device.opened_device import own_pack
from client.guard.approved_bundles import write_programs
from client.guard.device_policy import DevicePolicy
from client.guard.pinned_key import pinned_key
from client.guard.site_policy import read_policy
from client.joined.home import JoinedHome, JoinedSettings
from shared.system.settings_file import read_settings
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600


def prepare(home: JoinedHome) -> str:
    """Look at policy, keys, vault and pack; write what the engine is started with.

    Args:
        home: of a device that joined.

    Returns:
        What its user has to send the coordinator, in words; empty where that has all it needs.

    Raises:
        ConfigError: if something is wrong that cannot mend itself.
        StorageError: if the vault does not open.
        PackRefused: if the pack is not the one that the device took.
    """
    settings = read_settings(JoinedSettings, home.settings)
    node = settings.node(home)
    read_policy(node.policy, DevicePolicy)
    require_key_pair(home)
    pinned_key(node.coordinator)
    own_pack(home.device, home.device.records())
    news = send_again(home, enrolment_line(home, settings)) if bring_sum_key(home, settings) else ""
    home.engine.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(home.secret, secrets.token_hex(32).encode("ascii"), mode=OWNER_ONLY)
    write_whole(home.node_config, tomli_w.dumps(node.to_node_config()).encode("utf-8"), mode=OWNER_ONLY)
    write_programs(home.programs, home.approved)
    approve_release(home)
    return news
