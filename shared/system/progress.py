"""Progress of work that takes over two seconds, with the time left: bars on a terminal, else lines ever further apart.

All of it goes to stderr. A command shows what is done within it (``shown``). Work of known or unknown length says how
far it is (``track``, ``working``). A thread of its own reports, so that nothing that computes for long looks dead.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, TaskID

PATIENCE_SECONDS = 2.0
LINE_SECONDS = 4.0
"""Between the first two lines, where stderr is no terminal; twice as many before each further one."""
_MOST_LINE_SECONDS = 60.0
_LOOK_SECONDS = 0.2
"""Between two looks at how far the work is."""
_MINUTE = 60
_LONG_SECONDS = 120.0
"""from which time left on a hint is given"""
Item = TypeVar("Item")


@dataclass(eq=False, kw_only=True)
class Work:
    """Something that is being done."""

    description: str
    began: float
    """in seconds of the display's clock"""
    total: int | None = None
    """how many items there are; None: nobody knows, or it is not counted"""
    done: int = 0
    """items"""


class Display:
    """What is being done, the outermost first, as a console shows it."""

    def __init__(self, console: Console, clock: Callable[[], float], hints: Mapping[str, str] | None = None) -> None:
        """Begin to show what is done.

        Args:
            console: where it is shown.
            clock: tells the time in seconds.
            hints: by a work's description, what is said once where it has minutes left.
        """
        self.clock, self._console = clock, console
        self._hints = dict(hints or {})
        self._works: list[Work] = []
        self._due = clock() + PATIENCE_SECONDS
        self._pause = LINE_SECONDS
        self._bars: Progress | None = None
        self._tasks: dict[Work, TaskID] = {}

    @contextmanager
    def working(self, description: str, total: int | None) -> Iterator[Work]:
        """Work within all that is being done; who does it raises ``done``.

        Args:
            description: what it is called where it is shown.
            total: how many items there are; None: nobody knows, or it is not counted.

        Yields:
            The work; it is shown no longer where the block ends.
        """
        work = Work(description=description, began=self.clock(), total=total)
        self._works.append(work)
        try:
            yield work
        finally:
            self._works.remove(work)

    def report(self) -> None:
        """Show how far the work is, where that is due."""
        now = self.clock()
        if now < self._due or not self._works:
            return
        if self._console.is_terminal:
            self._draw(tuple(self._works))
        else:
            self._due, self._pause = now + self._pause, min(2 * self._pause, _MOST_LINE_SECONDS)
            self._say(as_line(tuple(self._works), now))
        if (_seconds_left(self._works[-1], now) or 0.0) > _LONG_SECONDS:
            for work in self._works:
                if hint := self._hints.pop(work.description, ""):
                    self._say(f"note: {hint}")

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bars away; lines stay."""
        if self._bars is not None:
            self._bars.stop()

    def _draw(self, works: tuple[Work, ...]) -> None:
        if self._bars is None:
            self._bars = Progress(console=self._console, transient=True, auto_refresh=False)
            self._bars.start()
        for work in self._tasks.keys() - set(works):
            self._bars.remove_task(self._tasks.pop(work))
        for work in works:
            if work not in self._tasks:
                self._tasks[work] = self._bars.add_task(work.description, total=work.total)
            self._bars.update(self._tasks[work], completed=work.done)
        self._bars.refresh()


def as_line(works: tuple[Work, ...], now: float) -> str:
    """One or more works as a line: which it is, how far the innermost is, and how long it takes.

    Args:
        works: one at least, each within the one before.
        now: seconds of the display's clock.

    Returns:
        The line, without its end.
    """
    *outer, inner = works
    of = " of this step" if outer else ""
    return f"{', '.join([*map(_place, outer), inner.description])}: {_how_far(inner, now, of)}"


def _place(work: Work) -> str:
    return work.description if work.total is None else f"{work.description} {work.done + 1} of {work.total}"


def _how_far(work: Work, now: float, of: str) -> str:
    left = _seconds_left(work, now)
    if left is not None and work.total:
        return f"{work.done / work.total:.0%}, about {_length(left)} left{of}"
    counted = f"{work.done:,} done, " if work.done else "0%, " if work.total else ""
    return f"{counted}{_length(now - work.began)} so far"


def _seconds_left(work: Work, now: float) -> float | None:
    """As it went so far; None where that tells nothing."""
    if not work.total or not work.done:
        return None
    return (now - work.began) / work.done * (work.total - work.done)


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_open: list[Display] = []
"""The display of this process, while there is one."""


@contextmanager
def shown(
    description: str,
    *,
    hints: Mapping[str, str] | None = None,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Show, until it ends, how far all is that this process does within.

    Args:
        description: what all of it is called.
        hints: by the description of a work within, what is said once where it has minutes left.
        console: where it is shown; None: on stderr. Not used where something is shown already.
        clock: tells the time in seconds.
    """
    if _open:
        with working(description):
            yield
        return
    display = Display(console or _stderr(), clock, hints)
    _open.append(display)
    try:
        with _reporting(display), display.working(description, None):
            yield
    finally:
        _open.remove(display)
        display.close()


def _stderr() -> Console:
    """Not a terminal in a notebook, whose kernel asks for colours by its environment."""
    return Console(stderr=True, force_jupyter=False, force_terminal=sys.stderr.isatty())


@contextmanager
def _reporting(display: Display) -> Iterator[None]:
    over = threading.Event()

    def report() -> None:
        while not over.wait(_LOOK_SECONDS):
            display.report()

    thread = threading.Thread(target=report, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def in_steps(steps: Mapping[str, Callable[[], None]]) -> None:
    """Take the steps, by what each is called, one after the other; none says how long another one takes."""
    for number, (name, step) in enumerate(steps.items(), 1):
        with working(f"step {number} of {len(steps)}, {name}"):
            step()


@contextmanager
def working(description: str, total: int | None = None) -> Iterator[Work]:
    """Work on ``total`` items, of which who does it counts those that are ``done``.

    It is shown where something is shown already, and on a terminal.

    Args:
        description: what it is called where it is shown.
        total: how many items there are; None: nobody knows, or it is not counted.

    Yields:
        The work, whose ``done`` is to be raised.
    """
    if _open:
        with _open[0].working(description, total) as work:
            yield work
    elif _stderr().is_terminal:
        with shown(description), working(description, total) as work:
            yield work
    else:
        yield Work(description=description, began=0, total=total)


def track(iterable: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """The items of ``iterable`` as they come, counted as work.

    Args:
        iterable: gives the items.
        description: what the work is called where it is shown.
        total: how many items there are; None: as many as ``iterable`` says it has, if it says so.

    Yields:
        Each item, in order; it counts as done when the next one is asked for.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with working(description, total) as work:
        for item in iterable:
            yield item
            work.done += 1
