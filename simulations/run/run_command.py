"""One run from its config to its files: what the command does around the methods themselves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.errors import InputError
from shared.system.device import used_device
from simulations.config.run_config import RunConfig
from simulations.platforms.run_platforms import check_folders
from simulations.report.html_report import REPORT_FILE, write_report
from simulations.results.result_document import PER_USER_FILE, RESULT_FILE, read_result, write_results
from simulations.run.finished_task import KEPT_FOLDER
from simulations.run.run_folder import goes_on, worked_in
from simulations.run.run_identity import run_identity
from simulations.run.run_recorder import RunRecorder
from simulations.run.termination import RunStopped, Terminated, termination_raised

Runner = Callable[[RunConfig, RunRecorder, Path], None]
"""Runs every method that the config asks for, handing each outcome to the recorder as soon as it is there;
the path is a folder for its working files, which holds what a stopped run has left."""

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
    is_begun = goes_on(out, identity, force=force, resume=resume)
    finished = _finished(out) if is_begun else None
    if finished is not None:
        say(f"{out} holds the finished run")
        return finished
    results = (RESULT_FILE, PER_USER_FILE, REPORT_FILE)
    with worked_in(out, identity, is_begun=is_begun, results=results, work_files=(KEPT_FOLDER,)) as work:
        recorder = RunRecorder(config, say=say)
        with termination_raised(), _saved_when_stopped(recorder, out):
            runner(config, recorder, work)
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
