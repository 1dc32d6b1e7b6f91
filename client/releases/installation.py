"""Installing a release and taking an earlier one back, so that a kill at any moment leaves a whole head in service.

The order: the head that is served is kept under its release; the release's folder is renamed into place; the record
says that a change has begun; the new head replaces the served one; the record says that it is installed. Each of these
is one rename. ``settled`` ends what was cut off.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace

from client.releases.installed import NO_RELEASE, Begun, Installed, named, read_installed, write_installed
from client.releases.kept_heads import forget_heads, keep_head, kept_versions, served_encoder, take_head
from client.releases.place import ReleasesPlace
from client.store.head_store import HeadStore
from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import sync_file, sync_folder

KEPT_RELEASES = 3
"""with their heads: the one that is served, and those before"""


def settled(place: ReleasesPlace, store: HeadStore) -> Installed:
    """What is installed, once a change that was cut off is ended.

    A release counts as installed if its head is served already, else as never begun; a roll-back is done again.

    Args:
        place: where the platform keeps releases; nobody else updates.
        store: where its heads lie.

    Returns:
        The record.

    Raises:
        ConfigError: if the record cannot be read or written.
        StorageError: if a head cannot be.
    """
    installed = read_installed(place.installed)
    begun = installed.begun
    if begun is None:
        return installed
    if not begun.digest and begun.version in kept_versions(store):
        take_head(store, begun.version)
        ended = installed.with_taken_back(begun.version, kept_versions(store))
    elif begun.digest and served_encoder(store) == begun.digest:
        ended = installed.with_installed(begun.version, kept_versions(store))
    else:
        ended = replace(installed, begun=None)
    write_installed(place.installed, ended)
    return ended


def install(place: ReleasesPlace, store: HeadStore, begun: Begun, write_head: Callable[[], None]) -> Installed:
    """Install the release that has arrived.

    Args:
        place: where the platform keeps releases; its files are checked.
        store: where its heads lie.
        begun: the release, and its encoder.
        write_head: replaces the head that is served by the release's.

    Returns:
        The record.

    Raises:
        ConfigError: if the folder cannot be written.
        StorageError: if a head cannot be.
    """
    installed = read_installed(place.installed)
    keep_head(store, installed.current)
    with os_error_as(ConfigError, f"{place.folder}: cannot be written"):
        _move_into_place(place, begun.version)
    write_installed(place.installed, replace(installed, begun=begun))
    write_head()
    return _ended(place, store, installed.with_installed(begun.version, kept_versions(store)))


def take_back(place: ReleasesPlace, store: HeadStore, version: int | None = None) -> Installed:
    """Serve the head of an earlier release again, as it was; nothing is fitted.

    Args:
        place: where the platform keeps releases; nobody else updates.
        store: where its heads lie.
        version: of the release; None: the last good one.

    Returns:
        The record.

    Raises:
        ConfigError: if its head is not kept, or it is served already.
        StorageError: if a head cannot be read or written.
    """
    installed = settled(place, store)
    target = _target(installed, kept_versions(store), version)
    keep_head(store, installed.current)
    write_installed(place.installed, replace(installed, begun=Begun(version=target)))
    take_head(store, target)
    return _ended(place, store, installed.with_taken_back(target, kept_versions(store)))


def _target(installed: Installed, heads: list[int], version: int | None) -> int:
    """Where a roll-back goes to; raises ConfigError where it cannot."""
    others = [other for other in heads if other != installed.current]
    there = ", ".join(map(named, others)) or "none"
    target = installed.last_good if version is None else version
    if target is None and installed.current == NO_RELEASE:
        raise ConfigError(f"no release is installed, so there is none to go back from; kept: {there}")
    if target is None:
        raise ConfigError(f"no release is there that was served before {named(installed.current)}; kept: {there}")
    if target == installed.current:
        raise ConfigError(f"{named(target)} is what is served now; kept besides: {there}")
    if target not in others:
        raise ConfigError(f"the head of {named(target)} is not kept any more; kept: {there}")
    return target


def _move_into_place(place: ReleasesPlace, version: int) -> None:
    """One that lies there already has the same digests, or was cut off as it was deleted."""
    for file in place.arriving.iterdir():
        sync_file(file)
    sync_folder(place.arriving)
    shutil.rmtree(place.release(version), ignore_errors=True)
    place.arriving.rename(place.release(version))
    sync_folder(place.folder)


def _ended(place: ReleasesPlace, store: HeadStore, installed: Installed) -> Installed:
    """Write that it is done, then let go of what nobody goes back to."""
    write_installed(place.installed, installed)
    heads = set(kept_versions(store)) - {installed.current}
    last_good_first = sorted(heads, key=lambda version: (version != installed.last_good, -version))
    wanted = set(last_good_first[: KEPT_RELEASES - 1])
    forget_heads(store, wanted)
    for version in set(place.versions()) - {*wanted, installed.current}:
        shutil.rmtree(place.release(version), ignore_errors=True)
    return installed
