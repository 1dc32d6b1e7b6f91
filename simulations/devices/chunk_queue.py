"""Chunks given out to workers, few at a time, and taken back as they are done."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from shared.errors import GraftError
from simulations.devices.cohort_answer import DoneChunk

MOST_TRIES = 5
"""of a chunk whose workers end"""


def done_chunks(
    submit: Callable[[NDArray[np.int64]], "Future[list[RecordDict]]"], chunks: Sequence[NDArray[np.int64]], most: int
) -> Iterator[DoneChunk]:
    """Have all chunks done.

    Args:
        submit: gives a chunk to a worker.
        chunks: numbers of devices.
        most: chunks that are given out at a time; those that are done wait for nobody.

    Yields:
        Each chunk as it is done; one whose worker ended is given out again.

    Raises:
        GraftError: if workers end again and again.
    """
    waiting, tries = list(range(len(chunks)))[::-1], Counter[int]()
    under_way: dict[Future[list[RecordDict]], int] = {}
    while waiting or under_way:
        while waiting and len(under_way) < most:
            place = waiting.pop()
            tries[place] += 1
            under_way[submit(chunks[place])] = place
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            place = under_way.pop(future)
            try:
                answers = future.result()
            except BrokenProcessPool:
                if tries[place] >= MOST_TRIES:
                    raise worker_lost() from None
                waiting.append(place)
            else:
                yield place, answers


def worker_lost() -> GraftError:
    """What is said where workers end again and again."""
    return GraftError(f"a process that trained devices was ended from outside {MOST_TRIES} times (memory?)")
