"""The parts of one request on more than one core."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")

_HELPERS = ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="beside")


@torch.no_grad()
def side_by_side(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Each task's result, without gradients; what a task raises is raised.

    Helpers take tasks from the front. The caller takes those from the end that no helper has begun, so that it never
    waits for a helper who is busy with another request.
    """
    given = [_HELPERS.submit(torch.no_grad()(task)) for task in tasks]
    own = {place: tasks[place]() for place in reversed(range(len(tasks))) if given[place].cancel()}
    return [own[place] if place in own else future.result() for place, future in enumerate(given)]
