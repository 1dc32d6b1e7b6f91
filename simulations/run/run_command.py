"""One run from its config to its files: what the command does around the methods themselves."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.errors import ConfigError, InputError
from shared.system.device import used_device
from shared.system.file_lock import claim
from simulations.config.run_config import RunConfig
from simulations.platforms.run_platforms import check_folders
from simulations.report.html_report import REPORT_FILE, write_report
from simulations.results.result_document import PER_USER_FILE, RESULT_FILE, read_result, write_results
from simulations.run.finished_task import KEPT_FOLDER
from simulations.run.run_identity import require_same_run, run_identity, write_identity
from simulations.run.run_recorder import RunRecorder
from simulations.run.termination import RunStopped, Terminated, termination_raised

Runner = Callable[[RunConfig, RunRecorder, Path], None]
"""Runs every method that the config asks for, handing each outcome to the recorder as soon as it is there;
the path is a folder for its working files, which holds what a stopped run has left."""

WORK_FOLDER = "work"
_LOCK = ".run.lock"

_INTERRUPTED, _TERMINATED = 130, 143
"""Exit codes of a program that ended by Ctrl-C and by SIGTERM."""


def execute(
    config: RunConfig, out: Path, *, runner: Runner, say: Callable[[str], None], force: bool, resume: bool = False
) -> dict[str, Any]:
    """Run, write ``result.json``, ``per_user.parquet`` and ``report.html`` into ``out``, and return the result.

    Args:
        config: the run.
        out: the folder of its files.
        runner: does the work.
        say: hears each step as it begins.
        force: begin anew in a folder that holds files (with ``resume``: of another run).
        resume: go on where the same run was stopped in ``out``; begin it where ``out`` is new or empty.

    Raises:
        ConfigError: if the device is not on this machine, a platform's folder is none, a method needs a source and none
            is named, ``out`` holds files already and neither ``force`` nor ``resume`` is set, or they are not of the
            same run, or a run works in it now; in each case nothing there is touched.
        RunStopped: after Ctrl-C or SIGTERM, once what was ready has been written.
    """
    check_folders(config)
    config.require_source()
    config = replace(config, device=used_device(config.device))
    identity = run_identity(config)
    begun = resume and _is_begun(out, identity, or_begin_anew=force)
    finished = _finished(out) if begun else None
    if finished is not None:
        say(f"{out} holds the finished run")
        return finished
    if not begun:
        _require_room(out, force=force)
    with claim(out / WORK_FOLDER / _LOCK, f"{out}: a run works in it already"):
        if not begun:
            _clear(out)
            write_identity(out / WORK_FOLDER, identity)
        recorder = RunRecorder(config, say=say)
        with termination_raised(), _saved_when_stopped(recorder, out):
            runner(config, recorder, out / WORK_FOLDER)
            document = write_results(recorder.result(complete=True), out)
            write_report(document, out / REPORT_FILE)
            return document


@contextmanager
def _saved_when_stopped(recorder: RunRecorder, out: Path) -> Iterator[None]:
    """Where the run is stopped within, what is ready is saved, and RunStopped says so."""
    try:
        yield
    except KeyboardInterrupt as stop:
        code = _TERMINATED if isinstance(stop, Terminated) else _INTERRUPTED
        raise RunStopped(_save_what_is_ready(recorder, out), code=code) from None


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


def _clear(out: Path) -> None:
    """Take away what another run has left."""
    for name in (RESULT_FILE, PER_USER_FILE, REPORT_FILE):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / WORK_FOLDER / KEPT_FOLDER, ignore_errors=True)


def _finished(out: Path) -> dict[str, Any] | None:
    try:
        document = read_result(out / RESULT_FILE)
    except InputError:
        return None
    return document if document["complete"] else None


def _save_what_is_ready(recorder: RunRecorder, out: Path) -> str:
    ready = recorder.result(complete=False)
    if not ready.outcomes:
        return "stopped; no method was ready, so nothing was saved; the same command with --resume goes on"
    write_report(write_results(ready, out), out / REPORT_FILE)
    methods = len({(outcome.platform, outcome.method) for outcome in ready.outcomes})
    return (
        f"stopped; saved {methods} results of methods on platforms in {out} (marked as not complete); "
        "the same command with --resume goes on"
    )
