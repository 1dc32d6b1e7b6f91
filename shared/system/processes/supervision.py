"""A folder whose programs one supervisor keeps running: starting it, here or in the background, and stopping it."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.system.file_lock import claim, claimant
from shared.system.processes.keeper import Keeper, Program, end_leftovers, left_running
from shared.system.watch import Watch
from shared.system.whole_file import write_whole

_LOG = logging.getLogger("graft.processes")
TICK_SECONDS = 0.5
READY_SECONDS = 180.0
STOP_SECONDS = 90.0
TROUBLES = "troubles"
"""in a report: what fails now, by name, and why; empty where all is well"""
Report = dict[str, Any]
Processes = list[dict[str, Any]]
"""as a keeper reports them"""


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """The supervisor of one folder, whether it runs or not."""

    what: str
    """what it is called in sentences: the server, the agent"""
    state: Path
    """folder for its lock, its report and the ids of its processes"""
    logs: Path

    def running(self) -> bool:
        """Whether one runs now."""
        return bool(claimant(self._lock))

    def at_work(self, command: str) -> list[str]:
        """What runs in the folder.

        Args:
            command: what a supervisor of this folder was started as, for people.

        Returns:
            In words, a supervisor, or what one that was killed has left; empty where nothing runs.
        """
        if number := claimant(self._lock):
            return [f"{command} (process {number})"]
        return [
            f"{process.name}, left by a killed {command} (process {process.pid})"
            for process in left_running(self._processes)
        ]

    def left(self) -> str:
        """In words, what a supervisor that was killed has left running; empty where one runs, or nothing does."""
        named = [f"{process.name} (process {process.pid})" for process in left_running(self._processes)]
        if not named or self.running():
            return ""
        return f"its supervisor was killed, and {len(named)} of its programs still run: {', '.join(named)}"

    def require_none(self) -> None:
        """Raises ConfigError where one runs."""
        if number := claimant(self._lock):
            raise ConfigError(f"{self.what} runs already, as process {number}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; raises ConfigError where a supervisor does."""
        with claim(self._lock, f"{self.what} runs already"):
            yield

    def report(self) -> Report:
        """What it last said of itself: ``supervisor`` (its process), ``processes`` and more; empty if nothing."""
        try:
            report: Report = json.loads(self._report.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return report

    def serve(
        self,
        programs: Callable[[], list[Program]],
        *,
        each_tick: Callable[[Processes], Mapping[str, Any]],
        stopping: Callable[[], bool],
        log_bytes: int,
        resting: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep the programs running until ``stopping``.

        What goes wrong meanwhile (a full disk, a damaged file) is told in the log and, as ``troubles``, in the report,
        and tried again at the next tick.

        Args:
            programs: gives the programs, once the folder is held and leftovers are ended.
            each_tick: what it makes of the processes, as a keeper reports them, is added to the report.
            stopping: whether it is time to end.
            log_bytes: of a program's log; a longer one is put aside.
            resting: whether no program is to run for now.

        Raises:
            ConfigError: if another supervisor runs in the folder.
        """
        with self.alone():
            for name in end_leftovers(self._processes, now=time.monotonic, sleep=time.sleep):
                _LOG.warning("%s was left running and is ended", name)
            keeper = Keeper(
                programs(),
                logs=self.logs,
                state=self._processes,
                log_bytes=log_bytes,
                now=time.monotonic,
                sleep=time.sleep,
            )
            watch, facts = Watch(_LOG), Report()
            try:
                while not stopping():
                    watch.look("programs", keeper.rest if resting() else keeper.tick)
                    watch.look("duties", lambda: facts.update(each_tick(keeper.report())))
                    watch.look("report", lambda: self._say(_reported(facts, keeper, watch)))
                    time.sleep(TICK_SECONDS)
            finally:
                keeper.stop()

    def start(self, command: tuple[str, ...], ready: Callable[[Report], bool]) -> int:
        """Start a supervisor as ``python COMMAND`` in the background and wait until its report is ``ready``.

        Args:
            command: words behind ``python -P``.
            ready: whether a report says that it has started; an empty report is asked too.

        Returns:
            Its process id.

        Raises:
            ConfigError: if one runs already, or this one ends before it is ready, or takes longer than
                ``READY_SECONDS``.
        """
        self.require_none()
        self._report.unlink(missing_ok=True)
        log = self.logs / "supervisor.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", *command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.state,
            )
        try:
            self._wait(process, ready, log)
        except BaseException:  # Ctrl-C, too: who is not told that it runs will not stop it
            process.terminate()
            raise
        return process.pid

    def _wait(self, process: "subprocess.Popen[bytes]", ready: Callable[[Report], bool], log: Path) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready(self.report()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConfigError(f"{self.what} did not start: {_last_line(log)}; its logs are in {self.logs}")
            time.sleep(0.2)

    def stop(self) -> str:
        """End the supervisor and all that it runs, or else what one that was killed has left; what was done, in words.

        Raises ConfigError where nothing runs, or where a supervisor does not end.
        """
        if number := claimant(self._lock):
            self._stop(number)
            return "stopped"
        with self.alone():
            left = end_leftovers(self._processes, now=time.monotonic, sleep=time.sleep)
        if not left:
            raise ConfigError(f"{self.what} does not run")
        return f"its supervisor had been killed; what it left running is ended: {', '.join(left)}"

    def _stop(self, number: str) -> None:
        process_number = number if number.isdigit() else self.report().get("supervisor")
        if process_number is None:
            raise ConfigError(f"{self.what} runs, and which process it is cannot be read")
        os.kill(int(process_number), signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running():
            if time.monotonic() > deadline:
                raise ConfigError(f"{self.what} has not ended within {STOP_SECONDS:g} seconds")
            time.sleep(0.2)

    @property
    def _lock(self) -> Path:
        return self.state / "running.lock"

    @property
    def _report(self) -> Path:
        return self.state / "report.json"

    @property
    def _processes(self) -> Path:
        return self.state / "processes.json"

    def _say(self, report: Report) -> None:
        if report != self.report():
            write_whole(self._report, json.dumps(report).encode("utf-8"))


def _reported(facts: Report, keeper: Keeper, watch: Watch) -> Report:
    """What the supervisor says of itself; ``facts`` may name troubles of their own."""
    troubles = {**facts.get(TROUBLES, {}), **watch.troubles}
    return {"supervisor": os.getpid(), **facts, "processes": keeper.report(), TROUBLES: troubles}


def asked_to_stop() -> Callable[[], bool]:
    """From now on SIGTERM and Ctrl-C are noted; whether one has come."""
    noted: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: noted.append(1))
    return lambda: bool(noted)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
