"""The parts of one request on more than one core."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")

_COUNT = max(1, (os.cpu_count() or 1) - 1)
_HELPERS = ThreadPoolExecutor(max_workers=_COUNT, thread_name_prefix="beside")


@torch.no_grad()
def side_by_side(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Each task's result, without gradients; what a task raises is raised.

    Helpers take tasks from the front, the caller from the end: he never waits for a helper who is busy with another
    request, only for the task that one of his own is at.
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

    helpers = [_HELPERS.submit(work, waiting.popleft) for _ in range(min(_COUNT, len(tasks) - 1))]
    try:
        work(waiting.pop)
    finally:
        waiting.clear()
        begun = [helper for helper in helpers if not helper.cancel()]
    for helper in begun:
        helper.result()
    return [results[place] for place in range(len(tasks))]
