"""The installed release's own bundle, which an agent approves by itself; any other one its operator approves.

It is kept so that the next start need not build it, and never believed unchecked.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
import zlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from client.agent.home import AgentHome
from client.agent.private_part import OWNER_ONLY
from client.guard.approved_bundles import approve
from shared.errors import ConfigError
from shared.federation.bundle import write_bundle
from shared.system.engine_environment import run_flwr
from shared.system.whole_file import write_whole

CONTENT = ".info/CONTENT"
"""the engine's own list of what is in a bundle, its last entry"""
_UNREADABLE = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""what reading a file can raise that is no bundle: cut off, damaged, encrypted, compressed in another way"""


def place(folder: Path, app: Path) -> Path:
    """Where the bundle of an app folder is kept.

    The name holds a digest of the folder's files and of what packs them.

    Args:
        folder: where bundles are kept.
        app: the app folder.

    Returns:
        path of the bundle, whether or not it is there.
    """
    made_by = f"{version('flwr')} {sys.version} {zlib.ZLIB_RUNTIME_VERSION}"
    lines = "\n".join(_line(name, content) for name, content in sorted(_files(app).items()))
    return folder / f"release-{hashlib.sha256(f'{made_by} {lines}'.encode()).hexdigest()}.fab"


def kept_bundle(path: Path, app: Path) -> bytes | None:
    """What is kept of the release's bundle.

    Args:
        path: where it is kept.
        app: the app folder.

    Returns:
        the bundle; None unless it holds each file of the app folder as it is, and nothing else.
    """
    with suppress(*_UNREADABLE):
        content = path.read_bytes()
        if _holds(content, _files(app)):
            return content
    return None


def keep(path: Path, content: bytes) -> None:
    """Keep a bundle in the place of those of other releases.

    On a full disk it is built again at the next start.

    Args:
        path: where it is kept.
        content: the bundle.
    """
    with suppress(OSError):
        write_whole(path, content, mode=OWNER_ONLY)
        for old in path.parent.glob("release-*.fab"):
            if old != path:
                old.unlink(missing_ok=True)


def _holds(content: bytes, files: dict[str, bytes]) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        entries = bundle.infolist()
        names = [entry.filename for entry in entries[:-1]]
        if sorted(names) != sorted(files) or entries[-1].filename != CONTENT:
            return False
        listed = "\n".join(_line(name, files[name]) for name in names).encode()
        expected = [*(files[name] for name in names), listed]
        # sizes first: what is not the release's is not unpacked either
        sizes = all(entry.file_size == len(body) for entry, body in zip(entries, expected, strict=True))
        return sizes and all(bundle.read(entry) == body for entry, body in zip(entries, expected, strict=True))


def _files(app: Path) -> dict[str, bytes]:
    """By the name that each has in a bundle."""
    return {path.relative_to(app).as_posix(): path.read_bytes() for path in app.rglob("*") if path.is_file()}


def _line(name: str, content: bytes) -> str:
    """As the engine's list has it: name, digest, size in bits."""
    return f"{name},{hashlib.sha256(content).hexdigest()},{len(content) * 8}"


SECONDS = 170.0


def approve_release(home: AgentHome) -> str:
    """Build the bundle as a coordinator of the same release does, and note its digest, which is returned.

    Nothing is asked for it: equal files give equal bundles, so one that was built before serves where it holds them.
    Raises ConfigError where it cannot be built.
    """
    with tempfile.TemporaryDirectory(dir=home.state) as folder:
        app = write_bundle(Path(folder))
        path = place(home.state, app)
        content = kept_bundle(path, app)
        if content is None:
            content = _built(app, home).read_bytes()
            keep(path, content)
        return approve(home.approved, hashlib.sha256(content).hexdigest())


def _built(app: Path, home: AgentHome) -> Path:
    """The one .fab that Flower makes of an app's folder."""
    try:
        done = run_flwr("build", "--app", str(app), home=home.engine, folder=app.parent, seconds=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"the release's bundle cannot be built: {error}") from error
    bundles = list(app.parent.glob("*.fab"))
    if done.returncode != 0 or len(bundles) != 1:
        raise ConfigError(f"the release's bundle cannot be built: flwr build ended with {done.returncode}")
    return bundles[0]
