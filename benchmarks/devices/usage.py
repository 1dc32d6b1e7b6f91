"""What a process costs with all that it starts: processor seconds and memory, looked at from outside."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import psutil

GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Look:
    """A process and all below it at one moment."""

    moment: float
    """seconds since 1970"""
    processor: float
    """seconds of the processor until then, of processes that have ended too"""
    memory: float
    """GiB of physical memory; pages that several of them share count once"""


class UsageWatch:
    """Looks at a process and all below it until it is told to stop."""

    def __init__(self, pid: int, every: float = 0.25) -> None:
        """``every`` is the pause between two looks in seconds."""
        self.looks: list[Look] = []
        self._root, self._every = psutil.Process(pid), every
        self._known: dict[psutil.Process, float] = {self._root: 0.0}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "UsageWatch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        """GiB at most."""
        return max((look.memory for look in self.looks), default=0.0)

    def processor_between(self, begin: float, end: float) -> float:
        """Processor seconds between two moments, linear between two looks.

        Args:
            begin: in seconds since 1970.
            end: in seconds since 1970.

        Returns:
            Seconds.

        Raises:
            ValueError: if nobody looked.
        """
        if not self.looks:
            raise ValueError("expected looks at the process; there were none")
        moments = [look.moment for look in self.looks]
        first, last = np.interp([begin, end], moments, [look.processor for look in self.looks])
        return float(last - first)

    def _watch(self) -> None:
        while not self._is_over.wait(self._every):
            for parent in list(self._known):
                try:
                    self._known |= {child: 0.0 for child in parent.children() if child not in self._known}
                except psutil.NoSuchProcess:
                    continue
            memory = sum(self._look_at(process) for process in self._known)
            self.looks.append(Look(moment=time.time(), processor=sum(self._known.values()), memory=memory / GIB))

    def _look_at(self, process: psutil.Process) -> float:
        """Bytes; what it used of the processor is noted."""
        try:
            with process.oneshot():
                times = process.cpu_times()
                self._known[process] = times.user + times.system
                return float(process.memory_full_info().pss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return 0.0
