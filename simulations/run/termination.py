"""SIGTERM, which schedulers send, as an exception: a run that it ends saves like one that is stopped by Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


class RunStopped(Exception):
    """The run was stopped by Ctrl-C or SIGTERM; the message says what was saved."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code
        """the exit code that says which"""


@contextmanager
def termination_raised() -> Iterator[None]:
    """Inside, the first SIGTERM raises Terminated, and further ones do not cut short what is saved then."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def termination_ignored() -> Iterator[None]:
    """Inside, SIGTERM is ignored, also by every process that is started here, and for as long as that one lives."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
