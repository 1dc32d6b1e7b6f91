"""A run's folder: whether it is free, whether the run that was begun in it goes on, and who works in it now."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.system.file_lock import claim
from simulations.run.run_identity import require_same_run, write_identity

WORK_FOLDER = "work"
_LOCK = ".run.lock"


def goes_on(out: Path, identity: Mapping[str, Any], *, force: bool, resume: bool) -> bool:
    """Whether a run goes on with what stands in its folder, of which nothing is touched.

    Args:
        out: the folder.
        identity: of the run.
        force: whether it may begin anew in a folder that holds files (with ``resume``: of another run).
        resume: whether it is to go on where the same run was stopped.

    Returns:
        True where it goes on; False where it begins.

    Raises:
        ConfigError: if the folder holds files and neither ``force`` nor ``resume`` is set, or they are not of the same
            run.
    """
    if resume and _is_begun(out, identity, or_begin_anew=force):
        return True
    _require_room(out, force=force)
    return False


@contextmanager
def worked_in(
    out: Path, identity: Mapping[str, Any], *, is_begun: bool, results: tuple[str, ...], work_files: tuple[str, ...]
) -> Iterator[Path]:
    """Hold a run's folder; where the run begins, what another one has left is taken away first.

    Args:
        out: the folder.
        identity: of the run, which is written down.
        is_begun: whether the run goes on.
        results: files of the folder that a run leaves.
        work_files: files and folders of its work folder from which a run goes on.

    Yields:
        The work folder.

    Raises:
        ConfigError: if a run works in the folder now.
    """
    work = out / WORK_FOLDER
    with claim(work / _LOCK, f"{out}: a run works in it already"):
        if not is_begun:
            for name in results:
                (out / name).unlink(missing_ok=True)
            for name in work_files:
                _remove(work / name)
            write_identity(work, identity)
        yield work


def _is_begun(out: Path, identity: Mapping[str, Any], *, or_begin_anew: bool) -> bool:
    """Whether the run was begun in the folder, and not another one; ``or_begin_anew``: another one does not matter."""
    if not out.is_dir() or not any(out.iterdir()):
        return False
    try:
        require_same_run(out / WORK_FOLDER, identity)
    except ConfigError:
        if or_begin_anew:
            return False
        raise
    return True


def _require_room(out: Path, *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"out must be a folder; {out} is a file")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise ConfigError(
            f"out must be a new or empty folder (or give --resume to go on, or --force); {out} holds files"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
