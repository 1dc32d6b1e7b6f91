"""Work on platforms, several at a time: processes that take tasks and hand what they find to the run's recorder.

Every task computes with one thread, here or in a process of its own: on platforms of this size two processes of one
thread do nearly twice the work of one process with two, and what comes out does not depend on how many there are.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, forkserver, get_context, parent_process
from multiprocessing.queues import SimpleQueue
from types import ModuleType, TracebackType
from typing import Any, Concatenate, ParamSpec, Self

import torch
from threadpoolctl import threadpool_limits
from typing_extensions import override

from shared.errors import GraftError
from simulations.results.recorder import ForwardingRecorder, Recorder
from simulations.run.termination import termination_ignored

P = ParamSpec("P")
Note = tuple[str, tuple[Any, ...]]
"""A recorder's method and what it is called with."""

_NICENESS = 5
_PATIENCE_SECONDS = 1.0
"""How long what stopped workers had written is waited for."""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Inside, torch and the linear algebra beneath numpy compute with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def main_set_aside() -> Iterator[None]:
    """Inside, processes that start do not import this program's main module: a script would run once more in each.

    multiprocessing tells a new process where ``__main__`` was read from, and has no option that leaves it out.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Workers:
    """Runs tasks in ``jobs`` processes; with one job, at once and in this process.

    Leaving the ``with`` block waits for all tasks and raises what the first failed one raised; leaving it by an
    exception, Ctrl-C among them, ends the processes, and what they had reported is kept. They ignore SIGTERM, which a
    scheduler sends to all processes of a job: the one that runs the whole ends them, when it has saved what is ready.
    """

    def __init__(self, jobs: int, recorder: Recorder) -> None:
        self._jobs, self._recorder = jobs, recorder
        self._context = get_context("forkserver")
        self._pool: ProcessPoolExecutor | None = None
        self._tasks: list[Future[None]] = []
        self._others = set(active_children())
        self._notes: SimpleQueue[Note | None] = self._context.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def submit(self, task: Callable[Concatenate[Recorder, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run ``task(recorder, ...)``, now or later; with one job, now and in this process.

        Args:
            task: gets the recorder first.
            *args: further arguments of the task; they are pickled where another process runs it, which does not know
                the program's main module.
            **kwargs: the same by name.
        """
        if self._jobs == 1:
            with threads(1):
                task(self._recorder, *args, **kwargs)
            return
        if self._pool is None:
            self._context.set_forkserver_preload(["simulations.methods.platform_methods"])
            with termination_ignored():
                forkserver.ensure_running()
            self._pool = ProcessPoolExecutor(
                self._jobs, mp_context=self._context, initializer=_start, initargs=(self._notes,)
            )
            self._listener.start()
        with main_set_aside():
            self._tasks.append(self._pool.submit(_run, task, args, kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        try:
            if kind is None:
                for task in self._tasks:
                    task.result()
                self._notes.put(None)
                self._listener.join()
        except BrokenProcessPool:
            raise GraftError(
                "a process that worked on a platform was ended from outside (memory?); --resume goes on"
            ) from None
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in set(active_children()) - self._others:
                process.kill()
            self._listener.join(_PATIENCE_SECONDS)

    def _listen(self) -> None:
        while (note := self._notes.get()) is not None:
            name, arguments = note
            getattr(self._recorder, name)(*arguments)


_NOTES: "list[SimpleQueue[Note | None]]" = []
"""In a worker, the way to the run's recorder."""


def _start(notes: "SimpleQueue[Note | None]") -> None:
    """Set a worker up. It leaves a core to the run where that trains an encoder: whatever is next waits for it."""
    set_worker_up()
    os.nice(_NICENESS)
    _NOTES.append(notes)


def set_worker_up() -> None:
    """In a new worker: Ctrl-C reaches the run, which ends its workers itself; one whose run was killed ends too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run() -> None:
    """A run that was killed cannot end its workers, and they would wait for it for ever."""
    run = parent_process()
    if run is not None:
        run.join()
        os._exit(1)


def _run(task: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with threads(1):
        task(_Messenger(_NOTES[-1]), *args, **kwargs)


class _Messenger(ForwardingRecorder):
    """Sends everything to the recorder of the process that runs the whole."""

    def __init__(self, notes: "SimpleQueue[Note | None]") -> None:
        self._notes = notes

    @override
    def forward(self, name: str, *arguments: Any) -> None:
        self._notes.put((name, arguments))
