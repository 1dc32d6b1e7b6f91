"""A bundle: a folder with a manifest that says what is in it and gives the digest of every file."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import ConfigError, os_error_as

FORMAT = "graft-bundle/1"
MANIFEST = "manifest.json"


@contextmanager
def new_bundle(out: Path) -> Iterator[Path]:
    """A folder that becomes ``out`` once it is whole; raises ConfigError where that is there or cannot be written."""
    if out.exists():
        raise ConfigError(f"{out}: expected a folder that is not there yet; found one")
    with os_error_as(ConfigError, f"{out}: cannot be written"):
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield folder
        with os_error_as(ConfigError, f"{out}: cannot be written"):
            folder.chmod(0o755)
            folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> str:
    """Write the manifest of a bundle whose files are all there.

    Args:
        folder: of the bundle.
        facts: about it, as JSON takes them.

    Returns:
        SHA-256 of the manifest, 64 hexadecimal digits.
    """
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    content = json.dumps({"format": FORMAT, **facts, "files": files}, indent=1, sort_keys=True).encode()
    (folder / MANIFEST).write_bytes(content + b"\n")
    return _digest(folder / MANIFEST)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
