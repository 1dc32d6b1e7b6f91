"""A platform's list of approved bundles, and the folder of programs that hold its engine to it."""

import hashlib
import re
import shlex
import sys
from pathlib import Path

from client.guard.gatekeeper import CLIENT_APP, PROGRAMS, approved_digests
from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import write_whole

PLACE = "approved-bundles.txt"
"""in an agent's folder"""
OWNER_ONLY, OWNER_RUNS = 0o600, 0o700
_GATEKEEPER, _HAND_OVER = (Path(__file__).with_name(name) for name in ("gatekeeper.py", "hand_over.py"))
_DIGEST = re.compile(r"[0-9a-f]{64}")


def approve(path: Path, bundle: str) -> str:
    """Add a bundle to the list, unless it stands there.

    Args:
        path: of the list.
        bundle: a .fab file, or its SHA-256 digest.

    Returns:
        the bundle's digest.

    Raises:
        ConfigError: if ``bundle`` is neither, or the list cannot be written.
    """
    digest = bundle.lower() if _DIGEST.fullmatch(bundle.lower()) else _digest_of(Path(bundle))
    if digest not in approved_digests(path):
        with os_error_as(ConfigError, f"{path}: cannot be written"):
            before = path.read_bytes() if path.exists() else b""
            write_whole(path, before + f"{digest}\n".encode("ascii"), mode=OWNER_ONLY)
    return digest


def write_programs(folder: Path, approved: Path, tasks: str = "") -> Path:
    """Write the folder of programs that an engine's PATH must begin with.

    Each program of Flower's that runs code stands in it, behind the gate.

    Args:
        folder: where they are written.
        approved: the list of approved bundles.
        tasks: socket of the process of ``warm_start.py``, seen from the folder in which the engine runs; empty for
            none.

    Returns:
        the folder.

    Raises:
        ConfigError: if it cannot be written.
    """
    with os_error_as(ConfigError, f"{folder}: cannot be written"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for program in PROGRAMS:
            first = [str(_HAND_OVER), tasks] if tasks and program == CLIENT_APP else [str(_GATEKEEPER)]
            command = shlex.join([sys.executable, "-I", *first, str(approved.resolve()), program])
            write_whole(folder / program, f'#!/bin/sh\nexec {command} "$@"\n'.encode(), mode=OWNER_RUNS)
    return folder


def _digest_of(path: Path) -> str:
    with os_error_as(ConfigError, f"{path}: expected a bundle (.fab) or its SHA-256 digest"):
        return hashlib.sha256(path.read_bytes()).hexdigest()
