"""The heads of releases that were served before: each a record beside the one that is served."""

import re

from client.recommender.served_head import ORIGIN, RECORD
from client.store.head_store import HeadStore
from shared.errors import ConfigError

_NAME = re.compile(rf"{RECORD}-release-([0-9]+)")


def _name(version: int) -> str:
    return f"{RECORD}-release-{version}"


def kept_versions(store: HeadStore) -> list[int]:
    """The releases whose heads are kept, lowest first; 0 stands for what was served before any release."""
    matches = map(_NAME.fullmatch, store.names())
    return sorted(int(match[1]) for match in matches if match)


def keep_head(store: HeadStore, version: int) -> None:
    """Keep what is served now as a release's head; where nothing is served, nothing is kept.

    Args:
        store: where the platform's heads lie.
        version: of the release.

    Raises:
        StorageError: if it cannot be read or written.
    """
    store.copy(RECORD, _name(version))


def take_head(store: HeadStore, version: int) -> None:
    """Serve a release's head from now on; it is kept, too.

    Args:
        store: where the platform's heads lie.
        version: of the release.

    Raises:
        ConfigError: if none is kept of it.
        StorageError: if it cannot be read or written.
    """
    if not store.copy(_name(version), RECORD):
        raise ConfigError(f"no head of release {version} is kept")


def forget_heads(store: HeadStore, wanted: set[int]) -> None:
    """Delete the kept heads of all other releases.

    Args:
        store: where the platform's heads lie.
        wanted: the releases whose heads stay.

    Raises:
        StorageError: if one cannot be deleted.
    """
    for version in set(kept_versions(store)) - wanted:
        store.delete(_name(version))


def served_encoder(store: HeadStore) -> str:
    """The digest of the received encoder that what is served was fitted with; empty where there is none.

    Raises StorageError where the record is damaged.
    """
    opened = store.open(RECORD)
    return "" if opened is None else str(opened.facts.get(ORIGIN, ""))
