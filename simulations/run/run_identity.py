"""What must be the same for a stopped run to go on: its config, the code and its libraries, the platforms' files."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client.data.source import is_database, read_platform_data
from client.data.spec import PlatformSpec
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.system.options import renamed
from shared.system.whole_file import write_whole
from simulations.config.run_config import RunConfig
from simulations.results.result_document import versions

FORMAT = 1
IDENTITY_FILE = "run.json"
_PACKAGES = ("server", "client", "shared", "simulations")


def run_identity(config: RunConfig) -> dict[str, Any]:
    """As JSON values; of files only a digest, for which they are read in full."""
    return {
        "format": FORMAT,
        "config": config.to_dict(),
        "versions": versions(),
        "code": code_digest(),
        "platforms": {spec.name: _platform_digest(spec) for spec in config.platforms},
    }


def _platform_digest(spec: PlatformSpec) -> str:
    """Of a folder's files, or of what a database gives now."""
    if not is_database(spec.path):
        return file_digest(sorted(path for path in spec.path.iterdir() if path.is_file()))
    folder = read_platform_data(spec.path, spec.said_of_times)
    digest = hashlib.sha256()
    for table in (folder.items, folder.events):
        stream = io.BytesIO()
        table.write_ipc(stream)
        digest.update(stream.getbuffer())
    return digest.hexdigest()


def code_digest() -> str:
    """Of every source file of Graft."""
    return file_digest(_sources())


def write_identity(work: Path, identity: Mapping[str, Any]) -> None:
    """Say in a run's work folder which run it is.

    Args:
        work: the folder; it is made where there is none.
        identity: as ``run_identity`` gives it.
    """
    work.mkdir(parents=True, exist_ok=True)
    write_whole(work / IDENTITY_FILE, f"{json.dumps(identity, indent=1)}\n".encode())


def require_same_run(work: Path, identity: Mapping[str, Any]) -> None:
    """Refuse, in one sentence, a work folder that is not that of the same run.

    Args:
        work: the folder of the run that was begun.
        identity: of the run that is to go on, as ``run_identity`` gives it.

    Raises:
        ConfigError: if no run was begun there, or it has another config, code, library or file of a platform.
    """
    try:
        begun = json.loads((work / IDENTITY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        begun = None
    if not isinstance(begun, dict) or begun.get("format") != FORMAT:
        raise ConfigError(f"resume needs a run that was begun; {work.parent} holds files and none that can go on")
    begun["config"] = renamed(RoundsConfig, begun.get("config", {}))
    for part, sentence in _DIFFERENCES.items():
        difference = _first_difference(begun.get(part), json.loads(json.dumps(identity[part])))
        if difference is not None:
            raise ConfigError(f"resume needs the same run; {work.parent} was begun with {sentence.format(*difference)}")


_DIFFERENCES = {
    "config": "{0} {1}, now it is {2}",
    "versions": "{0} {1}, now it is {2}",
    "code": "other code of Graft",
    "platforms": "other files of platform {0!r}",
}
"""Part of an identity: what is said where it differs."""


def _first_difference(before: object, now: object) -> tuple[object, object, object] | None:
    """(name, before, now)."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return None if before == now else ("", before, now)
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) != now.get(name):
            return name, before.get(name), now.get(name)
    return None


def _sources() -> list[Path]:
    root = Path(__file__).parents[2]
    return sorted(path for package in _PACKAGES for path in (root / package).rglob("*.py"))


def file_digest(files: list[Path]) -> str:
    """Of files' names, sizes and contents, in the order given."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
