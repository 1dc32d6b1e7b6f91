"""The door for requests: how many are worked on at once, in which order, and until when.

A request holds a worker while it is worked on. One that is made of several lists hands its worker on between two of
them where others wait, so that a large request takes long for itself alone.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from client.serving.serve_settings import LONGEST, Limits
from shared.errors import CallerGone, Overloaded, Shed, TooLate

OVERLOADED = "too many requests are under way; try again later"
_LOOK_SECONDS = 0.2
"""Between two looks whether the caller still waits."""
_NEWEST = 0.1
"""Weight of the newest slice of work in what a slice is expected to take."""
_FADES = 0.01
"""Of that expectation, with each request that is turned away for it."""
WORK_SHARE = 0.7
"""Of a request's time, in which its work is done or given up."""


class Workers:
    """So many at once, first come, first served."""

    def __init__(self, count: int) -> None:
        self._lock, self._free = threading.Lock(), count
        self._waiting: deque[threading.Event] = deque()

    @property
    def queue(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    def take(self, seconds: float, goes_on: Callable[[], object]) -> bool:
        """Whether one became free in time.

        Args:
            seconds: how long to wait, at most.
            goes_on: is called again and again, and ends the wait by raising; what it gives back counts nothing.

        Returns:
            True where a worker is held now; ``give`` lets go of it.
        """
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            return self._came(turn, seconds, goes_on)
        except BaseException:
            if not self._leaves(turn):
                self.give()
            raise

    def give(self) -> None:
        """To who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _came(self, turn: threading.Event, seconds: float, goes_on: Callable[[], object]) -> bool:
        until = time.monotonic() + seconds
        while not turn.wait(max(0.0, min(_LOOK_SECONDS, until - time.monotonic()))):
            goes_on()
            if time.monotonic() >= until:
                return not self._leaves(turn)
        return True

    def _leaves(self, turn: threading.Event) -> bool:
        """Whether it was still waiting; else a worker is its own already."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True


class Turn:
    """A request's time, and the worker that it holds."""

    def __init__(self, admission: "Admission", seconds: float, waits: Callable[[], bool]) -> None:
        self._admission, self._waits = admission, waits
        now = admission.clock()
        self._until, self._last = now + seconds, now + seconds * WORK_SHARE
        self._slices, self._holds = 0, False
        self._since, self._measured = now, False

    @property
    def left(self) -> float:
        """Seconds in which the work has to be done; what the deadline leaves is the answer's way to its caller."""
        return self._last - self._admission.clock()

    @contextmanager
    def working(self) -> Iterator["Turn"]:
        """Hold a worker, but for the times in which it is handed on."""
        self._take()
        try:
            yield self
        finally:
            self._admission.change(-self._slices)
            if self._holds:
                self._give()

    def check(self) -> None:
        """Raises TooLate, Shed or CallerGone where it is of no use to go on."""
        now = self._admission.clock()
        if not self._waits():
            raise CallerGone("the caller waits no more")
        if now >= self._until:
            raise TooLate("the deadline passed before the request was answered")
        if now >= self._last:
            raise Shed("the deadline would pass before the request is answered; ask for less at once, or try later")

    def expect(self, slices: int) -> None:
        """The work is cut into so many slices; raises Shed where they cannot all be done in time."""
        if slices > 1 and not self._admission.believes(slices, self.left):
            raise Shed("the deadline would pass before so much is done; ask for less at once, or try again later")
        self._admission.change(slices)
        self._slices += slices

    @contextmanager
    def slice(self) -> Iterator[None]:
        """A part of the work that is not cut any further; before it, whoever else waits has a turn."""
        if self._admission.workers.queue:
            self._give()
            self._take()
        self.check()
        yield
        done = min(1, self._slices)
        self._slices -= done
        self._admission.change(-done)
        self._measure()

    @contextmanager
    def holding(self, lock: threading.Lock) -> Iterator[None]:
        """Hold a lock; while another has it, the worker is free for others. Raises as ``check``."""
        if not lock.acquire(blocking=False):
            self._give()
            while not lock.acquire(timeout=_LOOK_SECONDS):
                self.check()
        try:
            if not self._holds:
                self._take()
            yield
        finally:
            lock.release()

    def _give(self) -> None:
        if not self._measured:
            self._measure()
        self._holds = False
        self._admission.workers.give()

    def _measure(self) -> None:
        """What a worker was held for since it came, or since the slice before."""
        now = self._admission.clock()
        self._admission.took(now - self._since)
        self._since, self._measured = now, True

    def _take(self) -> None:
        self.check()
        if not self._admission.workers.take(self.left, self.check):
            raise Shed("the deadline would pass before it is the request's turn; try again later")
        self._holds, self._since, self._measured = True, self._admission.clock(), False


class Unhurried:
    """The turn of who has all the time, and no other beside."""

    def check(self) -> None:
        """See ``Turn``."""

    def slice(self) -> AbstractContextManager[None]:
        """See ``Turn``."""
        return nullcontext()

    def holding(self, lock: threading.Lock) -> AbstractContextManager[object]:
        """See ``Turn``."""
        return lock


UNHURRIED = Unhurried()


class Admission:
    """How many requests are inside, and what is left of their work."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self.clock = limits, clock
        self.workers = Workers(limits.workers)
        self._lock = threading.Lock()
        self._inside = self._slices = 0
        self._pace = 0.0
        """seconds that a slice takes, as far as that is known"""

    @property
    def inside(self) -> int:
        """Requests under way and waiting."""
        return self._inside

    @property
    def full(self) -> bool:
        """Whether as many are inside as may be."""
        return self._inside >= self.limits.workers + self.limits.waiting

    @contextmanager
    def enter(self, seconds: float | None, waits: Callable[[], bool] = lambda: True) -> Iterator[Turn]:
        """Hold a worker.

        Args:
            seconds: what is left to the request; None: the usual time.
            waits: whether its caller still waits.

        Returns:
            A context, in which the request has its turn.

        Raises:
            Overloaded: if too many wait already.
            TooLate: if the time is over.
            Shed: if the time would be over before a worker is free.
            CallerGone: if nobody waits.
        """
        self.require_room(seconds)
        with self._counted(), Turn(self, self._of_deadline(seconds), waits).working() as turn:
            yield turn

    def require_room(self, seconds: float | None) -> None:
        """Refuse a request that could not be answered in time.

        Args:
            seconds: what is left to the request; None: the usual time.

        Raises:
            Overloaded: if too many wait already.
            Shed: if the deadline would pass before its turn.
        """
        if self.full:
            raise Overloaded(OVERLOADED)
        left = self._of_deadline(seconds)
        if left > 0 and not self._believes_turn(left * WORK_SHARE):
            raise Shed("the deadline would pass before it is the request's turn; try again later")

    def _believes_turn(self, seconds: float) -> bool:
        """Whether all who wait have had a turn by then."""
        with self._lock:
            if self.workers.queue * self._pace <= seconds * self.limits.workers:
                return True
            self._fade()
            return False

    def believes(self, slices: int, seconds: float) -> bool:
        """Whether these slices can be done in time, behind all that others have yet to do.

        Args:
            slices: how many more would be done.
            seconds: in which they would have to be.

        Returns:
            True where they can; each False lets the pace that is expected of a slice fade.
        """
        with self._lock:
            if (self._slices + slices) * self._pace <= seconds * self.limits.workers:
                return True
            self._fade()
            return False

    def _fade(self) -> None:
        """Who is turned away measures nothing, so a pace that was slow once has to fade."""
        self._pace *= 1 - _FADES

    def _of_deadline(self, seconds: float | None) -> float:
        return self.limits.seconds if seconds is None else min(seconds, LONGEST)

    def change(self, slices: int) -> None:
        """So many more have to be done; fewer, where it is negative."""
        with self._lock:
            self._slices += slices

    def took(self, seconds: float) -> None:
        """Learn from a slice that was done how long one takes.

        Args:
            seconds: that it took.
        """
        with self._lock:
            self._pace += _NEWEST * (seconds - self._pace)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            if self.full:
                raise Overloaded(OVERLOADED)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
