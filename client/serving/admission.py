"""How many requests are worked on at the same time, how many may wait, and for how long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.errors import Overloaded, TooLate
from shared.system.options import Checked, option

LONGEST = 3600.0


@dataclass(frozen=True, kw_only=True)
class Limits(Checked):
    """Of all protocols together; raises ConfigError where a value makes no sense."""

    workers: int = option(2, least=1, most=256, help="Requests worked on at the same time.")
    waiting: int = option(64, least=0, most=4096, help="Requests that may wait for a worker; more are turned away.")
    seconds: float = option(2.0, above=0, most=LONGEST, help="A request's deadline, where its caller names none.")


class Admission:
    """A door for requests; first come need not be first served."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._free = threading.Semaphore(limits.workers)
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def inside(self) -> int:
        """Requests under way and waiting."""
        return self._inside

    @contextmanager
    def enter(self, seconds: float | None) -> Iterator[None]:
        """Hold a worker; ``seconds`` are left to the request, the usual time where None.

        Raises Overloaded where too many wait already, TooLate where the time is over before a worker is free.
        """
        until = self._clock() + (self.limits.seconds if seconds is None else min(seconds, LONGEST))
        with self._counted():
            if not self._free.acquire(timeout=max(0.0, until - self._clock())):
                raise TooLate("the deadline passed before it was the request's turn")
            try:
                yield
            finally:
                self._free.release()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            if self._inside >= self.limits.workers + self.limits.waiting:
                raise Overloaded("too many requests are under way; try again later")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
