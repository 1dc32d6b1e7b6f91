"""What a command on releases works with: the repository of a folder, its settings, the keys that are here, the time."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from server.coordinator.home import ServerHome, ServerSettings
from server.releases.keys import KeyFolders
from server.releases.repository import Repository
from server.releases.signing import Signing
from shared.system.settings_file import read_settings


def opened(home: ServerHome, further_keys: Sequence[Path] | None, now: datetime) -> Signing:
    """Keys, settings and time for what is to be signed.

    Args:
        home: the coordinator's folder.
        further_keys: folders with keys beside the coordinator's own; None: none.
        now: the present time.

    Returns:
        What signs.

    Raises:
        ConfigError: if settings or a key cannot be read.
    """
    return Signing(
        repository=Repository(home.releases),
        keys=KeyFolders([home.release_keys, *(further_keys or ())]),
        settings=read_settings(ServerSettings, home.settings),
        now=now,
    )
