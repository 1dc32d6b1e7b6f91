"""How many requests are worked on at the same time, how many may wait, and for how long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.errors import ConfigError, Overloaded, TooLate

MOST_WORKERS, MOST_WAITING, LONGEST = 256, 4096, 3600.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of all protocols together; raises ConfigError where a value makes no sense."""

    workers: int = 2
    """requests worked on at the same time"""
    waiting: int = 64
    """requests that may wait for a worker; one more is turned away at once"""
    seconds: float = 2.0
    """a request's deadline, where its caller names none"""

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ConfigError(f"workers must be 1 to {MOST_WORKERS}; got {self.workers}")
        if not 0 <= self.waiting <= MOST_WAITING:
            raise ConfigError(f"waiting must be 0 to {MOST_WAITING}; got {self.waiting}")
        if not 0 < self.seconds <= LONGEST:
            raise ConfigError(f"seconds must be above 0 and at most {LONGEST:g}; got {self.seconds:g}")


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
