"""A run at the terminal: written down for the supervisor, queued again, and followed to its end."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import OPEN, RESUMABLE, Run, RunBook, resume_command
from server.engine.absences import Absence, absences_in, absences_in_round
from server.engine.round_lines import HEADER, History, cells, kept_words, progress, took_part
from server.engine.standings import PlatformStanding, standings
from server.engine.supervisor import supervision
from server.rounds.told_stage import ToldStage
from shared.errors import ConfigError, FederationError
from shared.federation.config import RoundsConfig
from shared.system.command_options import say
from shared.system.processes.supervision import TROUBLES
from shared.system.progress import LINE_SECONDS

LOOK_SECONDS = 0.5
STANDINGS_SECONDS = 3.0
"""between two looks at where platforms stand"""
_WIDTHS = (18, 10, 8, 8, 8, 8, 0)


def begin(home: ServerHome, config: RoundsConfig) -> Run:
    """Write a new run down, from the newest encoder; say so where fewer platforms are enrolled than it needs.

    Args:
        home: the coordinator's folder.
        config: what is asked for.

    Returns:
        The new run, queued.

    Raises:
        ConfigError: if the server does not run, if too few platforms are enrolled with a key for secure sums for a
            masked run, or if the run cannot be written.
    """
    _require_running(home)
    _require_sum_keys(home, config)
    enrolled = sum(not entry.revoked for entry in Enrolment(home.platforms).read())
    if enrolled < config.min_platforms:
        shortage = f"at least {config.min_platforms} platforms are asked for, and {enrolled} are enrolled"
        say(f"{shortage}; the run waits {config.wait_seconds:g} seconds for more: graft-server enroll {home.folder}")
    return RunBook(home.runs).add(config, home.encoder.read_bytes())


def go_on(home: ServerHome, number: int) -> Run:
    """Queue a run again that was stopped or has failed.

    Args:
        home: the coordinator's folder.
        number: the run's number, from 1.

    Returns:
        The run, queued.

    Raises:
        ConfigError: if the server does not run, if there is no such run, or if it is in another state.
    """
    _require_running(home)
    run = RunBook(home.runs).get(number)
    standing = run.standing()
    if standing.state not in RESUMABLE:
        raise ConfigError(f"run {number} is {standing.state}; only one that was stopped or has failed can go on")
    run.stands(replace(standing, state="queued", engine_run=None, idle_submissions=0, reason=""))
    return run


@dataclass(frozen=True, kw_only=True)
class View:
    """A run as it stands at one moment."""

    run: Run
    config: RoundsConfig
    history: History
    platforms: tuple[PlatformStanding, ...]
    troubles: Mapping[str, str] = field(default_factory=dict)
    """what the server's supervisor fails at now, and why"""
    seconds: float = 0.0
    """since the question under way was asked; where none is known to be, since the last line of the history"""
    stage: ToldStage | None = None
    """what is asked now; None where nothing is known to be"""

    def missing(self) -> dict[str, str]:
        """Who is not there now or sent no usable answer last, by name, and why and what to do."""
        away = {
            platform.name: platform.absence.sentence
            for platform in self.platforms
            if platform.absence and not platform.connected
        }
        silent = {name: absence.sentence for name, absence in absences_in_round(self.history).items()}
        return dict(sorted({**silent, **away}.items()))

    def waits(self) -> str:
        """For what, in words."""
        if self.run.standing().state == "queued":
            return "queued: begun within seconds once the server runs, or when the run before it ends"
        there = [platform.name for platform in self.platforms if platform.connected]
        if len(there) < self.config.min_platforms:
            names = f": {', '.join(there)}" if there else ""
            wait = f"{self.config.wait_seconds:g} seconds at most"
            return f"waits for {self.config.min_platforms} platforms, {wait}; {len(there)} connected{names}"
        return f"asks {', '.join(there)}; {self.config.deadline_seconds:g} seconds at most a question"

    def caption(self) -> str:
        """How far it is."""
        state = self.run.standing().state
        rounds = progress(self.history, self.config.rounds, is_open=state in OPEN)
        return f"run {self.run.number}: {state}, {rounds}"

    def now(self) -> str:
        """What is being done, and for how long."""
        if self.stage:
            return f"{self.stage.doing}: {self.seconds:.0f} s so far; {self.stage.awaited}"
        return f"no question is under way: {self.seconds:.0f} s since the last one"

    def under_way(self) -> tuple[str, ...]:
        """What is done now and who is awaited, a line each; a run in a queue has one."""
        if self.stage:
            return (self.now(), f"{self.config.deadline_seconds:g} seconds at most a question")
        return (self.waits(),) if self.run.standing().state == "queued" else (self.now(), self.waits())


def follow(run: Run, home: ServerHome, console: Console) -> None:
    """Show each round as it ends, and who is missing and why, until the run does.

    Args:
        run: the run that is followed; it goes on without this terminal.
        home: the coordinator's folder.
        console: where it is shown; lines are written where it is no terminal.

    Raises:
        FederationError: if the run fails or is stopped, if no platform took part in it, or if the server ends
            meanwhile.
    """
    _say(console, f"run {run.number}, in {run.folder}; it goes on without this terminal")
    view = _in_terminal(run, home, console) if console.is_terminal else _in_lines(run, home, console)
    standing = run.standing()
    rounds = progress(view.history, view.config.rounds, is_open=False)
    if standing.state != "completed":
        further = f"; it goes on with: {resume_command(home.folder, run.number)}"
        raise FederationError(f"run {run.number} {standing.state} after {rounds}: {standing.reason}{further}")
    if view.history and not took_part(view.history):
        raise FederationError(f"run {run.number} is completed, but no platform took part: the encoder is as it was")
    _say(
        console,
        f"run {run.number} is completed: {rounds}; it leaves the encoder {kept_words(view.history)}: {run.encoder}",
    )


def _in_terminal(run: Run, home: ServerHome, console: Console) -> View:
    with Live(console=console, refresh_per_second=2) as live:
        for view in _views(run, home):
            live.update(_table(view))
    return view


def _in_lines(run: Run, home: ServerHome, console: Console) -> View:
    lines = PlainLines(lambda text: _say(console, text))
    for view in _views(run, home):
        lines.show(view)
    return view


@dataclass
class PlainLines:
    """The same where there is no terminal: a header, a line for each question, and each change of who is there."""

    say: Callable[[str], None]
    _shown: int = 0
    _said: set[str] = field(default_factory=set)
    _without: dict[str, Absence] = field(default_factory=dict)
    _waits: str = ""
    _troubles: Mapping[str, str] = field(default_factory=dict)
    _quiet_until: float = LINE_SECONDS
    _seconds: float = 0.0

    def show(self, view: View) -> None:
        """What is new in it."""
        if not self._waits:
            for platform in view.platforms:
                self.say(f"  {platform.line()}")
                self._said.add(platform.line())
            self.say(_row(HEADER))
        for record in view.history[self._shown :]:
            self.say(_row(cells(record, view.config.rounds, view.history)))
            self._absences(absences_in(record))
            self.say(f"  {progress(view.history, view.config.rounds)}")
        if len(view.history) > self._shown or view.seconds < self._seconds:
            self._quiet_until = LINE_SECONDS
        self._seconds = view.seconds
        self._shown = len(view.history)
        self._changes(view)
        if view.seconds >= self._quiet_until:
            self.say(f"  {view.now()}")
            self._quiet_until = view.seconds + LINE_SECONDS

    def _absences(self, absences: dict[str, Absence]) -> None:
        """The whole sentence where it is another one than in the question before."""
        for name, absence in absences.items():
            again = self._without.get(name) == absence
            self.say(f"  without {name}, as before" if again else f"  without {name}: {absence.sentence}")
        self._without = absences

    def _changes(self, view: View) -> None:
        for platform in view.platforms:
            if platform.line() not in self._said and not _told_in_rounds(platform):
                self.say(f"  {platform.line()}")
        self._said = {platform.line() for platform in view.platforms}
        for name, why in view.troubles.items():
            if self._troubles.get(name) != why:
                self.say(f"  trouble, {name}: {why}")
        self._troubles = view.troubles
        if view.waits() != self._waits:
            self._waits = view.waits()
            self.say(f"  {self._waits}")


def _told_in_rounds(platform: PlatformStanding) -> bool:
    return platform.connected and platform.absence is not None


def _row(texts: "list[str] | tuple[str, ...]") -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, _WIDTHS, strict=True)).rstrip()


def _views(run: Run, home: ServerHome) -> Iterator[View]:
    """The run again and again while it is open, and once more after."""
    config, supervised, due = run.config(), supervision(home), 0.0
    platforms, since, answers = tuple(standings(home, now=datetime.now(UTC))), time.monotonic(), 0
    while run.standing().state in OPEN:
        if not supervised.running():
            raise FederationError(
                f"run {run.number} waits until the server runs again: graft-server start {home.folder}"
            )
        if time.monotonic() >= due:
            platforms = tuple(standings(home, now=datetime.now(UTC)))
            due = time.monotonic() + STANDINGS_SECONDS
        history = run.history()
        if len(history) != answers:
            since, answers = time.monotonic(), len(history)
        stage = run.stage()
        yield View(
            run=run,
            config=config,
            history=history,
            platforms=platforms,
            troubles=supervised.report().get(TROUBLES, {}),
            seconds=max(0.0, time.time() - stage.since) if stage else time.monotonic() - since,
            stage=stage,
        )
        time.sleep(LOOK_SECONDS)
    platforms = tuple(standings(home, now=datetime.now(UTC)))
    yield View(run=run, config=config, history=run.history(), platforms=platforms)


def _table(view: View) -> RenderableType:
    table = Table(*HEADER)
    for record in view.history:
        table.add_row(*_named(record, view))
    missing = [f"without {name}: {why}" for name, why in view.missing().items()]
    troubles = [f"trouble, {name}: {why}" for name, why in view.troubles.items()]
    return Group(table, *missing, *troubles, "; ".join([view.caption(), *view.under_way()]))


def _named(record: Any, view: View) -> list[str]:
    question, platforms, *rest = cells(record, view.config.rounds, view.history)
    absent = absences_in(record)
    return [question, f"{platforms} (without {', '.join(absent)})" if absent else platforms, *rest]


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _require_sum_keys(home: ServerHome, config: RoundsConfig) -> None:
    """Raises ConfigError where too few platforms can be summed over: a run has those that are registered now."""
    register = Enrolment(home.platforms)
    parties = [introduction.member.party for introduction in register.introductions()]
    if not config.is_masked or len(parties) >= config.min_platforms:
        return
    lacking = register.without_sum_key()
    do = f"; {', '.join(lacking)}: graft-client parties there, then enroll node.key.pub again" if lacking else ""
    raise ConfigError(
        f"a masked run needs {config.min_platforms} platforms enrolled with a key for secure sums; found "
        f"{', '.join(parties) or 'none'}{do}"
    )


def _require_running(home: ServerHome) -> None:
    if not supervision(home).running():
        raise ConfigError(f"{home.folder}: the server does not run; start it with graft-server start {home.folder}")
