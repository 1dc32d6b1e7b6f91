"""A coordinator in one file, taken while it runs, and a folder made from such a file."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from server.coordinator.home import ServerHome
from server.engine.database import copy_database
from server.releases.repository import Repository
from shared.errors import ConfigError

FORMAT = "graft-backup/1"
MANIFEST = "manifest.json"
ENGINE = "flwr"
_LEFT_OUT = {"logs", "state", "flwr", "bundle"}
"""what is made anew at the next start; of the state, the engine's database is kept"""


def back_up(home: ServerHome, file: Path) -> int:
    """Write the coordinator to a file that is not there yet.

    Args:
        home: the coordinator's folder; the server may run meanwhile.
        file: where the backup is written; no half of a file is left.

    Returns:
        The file's size in bytes.

    Raises:
        ConfigError: if the file exists already or cannot be written, the engine's database cannot be copied, or
            releases are being changed.
    """
    if file.exists():
        raise ConfigError(f"{file}: exists already")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with tempfile.TemporaryDirectory() as folder, _releases_still(home):
            _write(home, part, Path(folder))
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: the backup cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def restore(file: Path, folder: Path) -> ServerHome:
    """Make a coordinator's folder from a backup.

    Args:
        file: the backup.
        folder: where the coordinator's folder is made; it must not exist or must be empty.

    Returns:
        The folder that was made.

    Raises:
        ConfigError: if the folder is taken or cannot be written, or the file is damaged, is no backup, or is of a newer
            engine.
    """
    home = ServerHome(folder.resolve())
    if home.folder.exists() and (not home.folder.is_dir() or any(home.folder.iterdir())):
        raise ConfigError(f"{folder}: exists already and is not an empty folder; name another one")
    try:
        with tarfile.open(file) as archive:
            _check(archive, file)
            archive.extractall(home.folder, filter="data")
        (home.folder / MANIFEST).unlink()
        for subfolder in (home.state, home.engine, home.logs, home.runs):
            subfolder.mkdir(parents=True, exist_ok=True)
        home.folder.chmod(0o700)
    except (OSError, tarfile.TarError) as error:
        raise ConfigError(f"{file}: cannot be restored: {error}") from error
    return home


def _write(home: ServerHome, part: Path, scratch: Path) -> None:
    """The manifest first, so that it is read before anything is believed."""
    files = dict(_kept(home))
    if home.database.exists():
        copy_database(home.database, scratch / "engine.db")
        files[str(home.database.relative_to(home.folder))] = scratch / "engine.db"
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = {"format": FORMAT, "engine": version(ENGINE), "files": digests}
    with part.open("xb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in {MANIFEST: json.dumps(manifest).encode("utf-8"), **contents}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))


def _releases_still(home: ServerHome) -> AbstractContextManager[None]:
    """Nothing is published meanwhile: what refers to a file is copied with it."""
    repository = Repository(home.releases)
    return repository.alone() if repository.exists else nullcontext()


def _kept(home: ServerHome) -> Iterator[tuple[str, Path]]:
    for path in sorted(home.folder.rglob("*")):
        name = path.relative_to(home.folder)
        if path.is_file() and name.parts[0] not in _LEFT_OUT and not path.name.startswith("."):
            yield str(name), path


def _check(archive: tarfile.TarFile, file: Path) -> None:
    """Every file that the manifest names, and no other, with the content that it had."""
    manifest = _manifest(archive, file)
    entries = {entry.name: entry for entry in archive.getmembers() if entry.name != MANIFEST}
    if set(entries) != set(manifest["files"]):
        raise ConfigError(f"{file}: damaged, it does not hold the files that it lists")
    for name, entry in entries.items():
        stream = archive.extractfile(entry) if entry.isfile() else None
        if stream is None or hashlib.sha256(stream.read()).hexdigest() != manifest["files"][name]:
            raise ConfigError(f"{file}: damaged, {name} is not as it was")
    if Version(manifest["engine"]) > Version(version(ENGINE)):
        newer = f"{ENGINE} {manifest['engine']}"
        raise ConfigError(f"{file}: of {newer}, whose database {version(ENGINE)} cannot open; install that first")


def _manifest(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    try:
        stream = archive.extractfile(MANIFEST)
        manifest: dict[str, Any] = json.loads(stream.read()) if stream is not None else {}
        if manifest["format"] != FORMAT or not isinstance(manifest["files"], dict):
            raise ConfigError(f"{file}: expected the format {FORMAT}; got {manifest['format']!r}")
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"{file}: not a coordinator's backup") from error
    return manifest
