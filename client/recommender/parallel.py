"""The parts of one request on more than one core."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Result = TypeVar("Result")

_CORES = os.cpu_count() or 1


class _Callers:
    """Who is at work now."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0

    @contextmanager
    def one_more(self) -> Iterator[int]:
        """How many cores this caller and those before it leave."""
        with self._lock:
            self._count += 1
            left = max(0, _CORES - self._count)
        try:
            yield left
        finally:
            with self._lock:
                self._count -= 1


_CALLERS = _Callers()
_HELPERS = ThreadPoolExecutor(max_workers=max(1, _CORES - 1), thread_name_prefix="beside")


def in_parallel(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Each task's result, without gradients; what a task raises is raised.

    Helpers take tasks from the front, the caller from the end. The caller never waits for a helper that is busy with
    another request, only for the task that one of its own is at. It has none where other callers have the cores.
    """
    waiting = deque(enumerate(tasks))
    results: dict[int, Result] = {}

    @torch.no_grad()
    def work(take: Callable[[], tuple[int, Callable[[], Result]]]) -> None:
        while waiting:
            try:
                place, task = take()
            except IndexError:  # another was faster
                return
            results[place] = task()

    with _CALLERS.one_more() as cores:
        helpers = [_HELPERS.submit(work, waiting.popleft) for _ in range(min(cores, len(tasks) - 1))]
        try:
            work(waiting.pop)
        finally:
            waiting.clear()
            begun = [helper for helper in helpers if not helper.cancel()]
        for helper in begun:
            helper.result()
    return [results[place] for place in range(len(tasks))]
