"""The threads that requests are worked on in, whatever the protocol."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

GIVES_WAY = 5
"""what is added to the nice value of the process: those threads that take requests in, turn them away and answer health
come first where cores are scarce"""


class WorkThreads(ThreadPoolExecutor):
    """So many; threads that they start give way as they do (sched(7): a thread inherits the nice value)."""

    def __init__(self, count: int, name: str) -> None:
        super().__init__(count, thread_name_prefix=name, initializer=_give_way)
        self._count, self._busy, self._lock = count, 0, threading.Lock()

    @property
    def full(self) -> bool:
        """Whether a request would have to wait for a thread."""
        return self._busy >= self._count

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """As its base has it.

        Args:
            work: what is called in a thread.
            *arguments: of the call, by place.
            **named: of the call, by name.

        Returns:
            What becomes of it.
        """
        self._change(1)
        future = super().submit(work, *arguments, **named)
        future.add_done_callback(lambda _: self._change(-1))
        return future

    def _change(self, by: int) -> None:
        with self._lock:
            self._busy += by


class Here(ThreadPoolExecutor):
    """Does at once, in the thread that hands it over, what waits for nothing."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Done on return.

        Args:
            work: what is called at once.
            *arguments: of the call, by place.
            **named: of the call, by name.

        Returns:
            What became of it: its result, or what it raised.
        """
        future = Future[Any]()
        try:
            future.set_result(work(*arguments, **named))
        except Exception as error:  # noqa: BLE001 (the future has it, as from any thread)
            future.set_exception(error)
        return future


def _give_way() -> None:
    of = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, of, os.getpriority(os.PRIO_PROCESS, os.getpid()) + GIVES_WAY)
