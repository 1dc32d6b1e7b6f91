"""Brings the runs on record to their end: the oldest that is open is submitted, and again if it was cut off."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.old_runs import prune
from server.coordinator.run_book import OPEN, Run, RunBook, Standing
from server.engine.flwr_command import FlwrCommand
from server.engine.round_lines import line
from shared.federation.bundle import write_bundle
from shared.system.whole_file import write_whole

_LOG = logging.getLogger("graft.server")
LOOK_SECONDS = 10.0
"""between two looks at the engine's own word on a run"""
MOST_IDLE = 5
"""submissions one after the other without a step forward; then the run has failed"""


@dataclass(kw_only=True)
class RunKeeper:
    """One look after the other; each raises EngineError where the engine gives no answer."""

    home: ServerHome
    engine: FlwrCommand
    now: Callable[[], float]
    keep_runs: int
    """newest runs that are kept whole"""
    _app: Path | None = field(default=None, init=False)
    _next_look: float = field(default=0.0, init=False)
    _told: dict[int, int] = field(default_factory=dict, init=False)
    """lines of its history that the log has, by run"""

    def look(self) -> None:
        """The rules, in order: an end that was said; a wish to stop; then submit, or see whether it runs."""
        open_runs = [run for run in RunBook(self.home.runs).runs() if run.standing().state in OPEN]
        if not open_runs:
            return
        run = open_runs[0]
        standing = run.standing()
        self._tell(run)
        if self._said(run, standing):
            return
        if run.take_stop():
            self._stop(run, standing)
        elif standing.state == "queued":
            self._submit(run, standing)
        elif self.now() >= self._next_look:
            self._see(run, standing)

    def _said(self, run: Run, standing: Standing) -> bool:
        outcome = run.outcome() if standing.state == "running" else None
        if outcome is None:
            return False
        if outcome["state"] == "completed":
            write_whole(self.home.encoder, run.encoder.read_bytes())
            run.stands(replace(standing, state="completed"))
        else:
            run.stands(replace(standing, state="failed", reason=outcome["reason"]))
        self._tell(run)
        _LOG.info("run %d: %s %s", run.number, outcome["state"], outcome["reason"])
        self.prune()
        return True

    def prune(self) -> None:
        """Make old runs small."""
        if pruned := prune(RunBook(self.home.runs), self.keep_runs):
            _LOG.info("made small, since %d newer are kept: run %s", self.keep_runs, ", ".join(map(str, pruned)))

    def _tell(self, run: Run) -> None:
        """A line in the log for each question that was answered since."""
        history = run.history()
        for record in history[self._told.get(run.number, len(history)) :]:
            _LOG.info("run %d: %s", run.number, line(record, run.config().rounds, history))
        self._told[run.number] = len(history)

    def _stop(self, run: Run, standing: Standing) -> None:
        if standing.engine_run is not None:
            self.engine.stop_run(standing.engine_run)
        run.stands(replace(standing, state="stopped", reason="the operator stopped it"))

    def _submit(self, run: Run, standing: Standing) -> None:
        self._app = self._app or write_bundle(self.home.bundle)
        run.forget_outcome()
        number = self.engine.submit(self._app, run.run_config(self.home, Enrolment(self.home.platforms)))
        again = replace(standing, state="running", engine_run=number, submissions=standing.submissions + 1)
        run.stands(replace(again, reached=run.reached()))
        self._next_look = self.now() + LOOK_SECONDS
        _LOG.info("run %d: submitted as %d", run.number, number)

    def _see(self, run: Run, standing: Standing) -> None:
        self._next_look = self.now() + LOOK_SECONDS
        status = self._status(standing.engine_run)
        if not status.startswith("finished") or self._said(run, standing):
            return
        idle = standing.idle_submissions + 1 if run.reached() == standing.reached else 0
        if idle >= MOST_IDLE:
            reason = f"the server app ended {idle} times without a step forward; its log is in {self.home.logs}"
            run.stands(replace(standing, state="failed", reason=reason))
            return
        _LOG.warning("run %d: the server app was cut off (%s); it goes on from its checkpoint", run.number, status)
        self._submit(run, replace(standing, idle_submissions=idle))

    def _status(self, number: int | None) -> str:
        """The engine's own word, asked for only where its database does not tell: a question costs seconds."""
        if number is None:
            return "finished:lost"
        return "running" if self.engine.surely_runs(number) else self.engine.run_status(number)
