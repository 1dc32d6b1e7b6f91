"""One run from its config to its files: what the command does around the methods themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from simulations.platforms import check_folders
from simulations.recorder import RunRecorder
from simulations.report import REPORT_FILE, write_report
from simulations.results import PER_USER_FILE, RESULT_FILE, write_results
from simulations.run_config import RunConfig

Runner = Callable[[RunConfig, RunRecorder, Path], None]
"""Runs every method that the config asks for, handing each outcome to the recorder as soon as it is there;
the path is a folder for its working files."""

WORK_FOLDER = "work"


class RunStopped(Exception):
    """The run was stopped from the keyboard; the message says what was saved."""


def execute(config: RunConfig, out: Path, *, runner: Runner, say: Callable[[str], None], force: bool) -> dict[str, Any]:
    """Run, write ``result.json``, ``per_user.parquet`` and ``report.html`` into ``out``, and return the result.

    Raises:
        ConfigError: if a platform's folder is none, a method needs a source and none is named, or ``out`` holds files
            already and ``force`` is not set.
        RunStopped: after Ctrl-C, once what was ready has been written.
    """
    check_folders(config)
    config.require_source()
    _claim(out, force=force)
    recorder = RunRecorder(config, say=say)
    try:
        runner(config, recorder, out / WORK_FOLDER)
    except KeyboardInterrupt:
        raise RunStopped(_save_what_is_ready(recorder, out)) from None
    return _save(recorder, out, complete=True)


def _claim(out: Path, *, force: bool) -> None:
    """Make the folder, or refuse one that holds something."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"out must be a folder; {out} is a file")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise ConfigError(f"out must be a new or empty folder (or give --force); {out} holds files")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"out must be a folder that can be written; {out}: {error.strerror}") from None
    for name in (RESULT_FILE, PER_USER_FILE, REPORT_FILE):
        (out / name).unlink(missing_ok=True)


def _save(recorder: RunRecorder, out: Path, *, complete: bool) -> dict[str, Any]:
    document = write_results(recorder.result(complete=complete), out)
    write_report(document, out / REPORT_FILE)
    return document


def _save_what_is_ready(recorder: RunRecorder, out: Path) -> str:
    ready = recorder.result(complete=False)
    if not ready.outcomes:
        return "stopped; no method was ready, so nothing was saved"
    _save(recorder, out, complete=False)
    methods = len({(outcome.platform, outcome.method) for outcome in ready.outcomes})
    return f"stopped; saved {methods} results of methods on platforms in {out} (marked as not complete)"
