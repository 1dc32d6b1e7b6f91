"""Progress bars: shown only on a terminal, and only for work that takes over two seconds."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.1
"""Between two updates of a bar, so that many quick items are not slowed down by it."""
Item = TypeVar("Item")


def track(
    iterable: Iterable[Item],
    description: str,
    total: int | None = None,
    *,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Item]:
    """The items of ``iterable`` as they come, with a bar on stderr once two seconds have passed."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield from iterable
        return
    due = clock() + PATIENCE_SECONDS
    done = 0
    progress = Progress(console=console, transient=True)
    task = progress.add_task(description, total=total)
    try:
        for item in iterable:
            yield item
            done += 1
            if clock() > due:
                progress.start()
                progress.update(task, completed=done)
                due = clock() + _PAUSE_SECONDS
    finally:
        progress.stop()
