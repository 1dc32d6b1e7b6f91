"""What the encoder is worth as a run of devices goes on, looked at by the simulation alone: no device tells it."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder
from shared.system.whole_file import write_whole
from simulations.devices.chunk_task import sent_task
from simulations.devices.cohort_answer import ChunkWork, DoneChunk
from simulations.devices.virtual_clock import VirtualClock

Judge = Callable[[Encoder], dict[str, float]]
"""Gives NDCG@10 by way of scoring."""
Line = dict[str, float | dict[str, float]]
JUDGED_FILE = "judged.json"


class JudgedRounds:
    """Looks at the encoders that devices are sent.

    Args:
        judge: what an encoder is worth.
        every: so many rounds lie between two looks.
        time: of the run.
        folder: where the lines are kept, of a run that goes on too.
    """

    def __init__(self, judge: Judge, every: int, time: VirtualClock, folder: Path) -> None:
        self._judge, self._every, self._time = judge, every, time
        self._file = folder / JUDGED_FILE
        self.lines: list[Line] = json.loads(self._file.read_text("utf-8")) if self._file.is_file() else []
        """rounds behind the encoder, virtual seconds, and NDCG@10 by way"""

    def watching(self, work: ChunkWork) -> ChunkWork:
        """The same work; the encoder that it is about is looked at first.

        Args:
            work: does the devices' part.

        Returns:
            Does it too.
        """

        def watched(content: RecordDict, chunks: Sequence[NDArray[np.int64]]) -> Iterable[DoneChunk]:
            task = sent_task(content)
            rounds = task.round - 1
            if rounds % self._every == 0 and isinstance(task.encoder, Encoder):
                self.add(rounds, task.encoder)
            return work(content, chunks)

        return watched

    def add(self, rounds: int, encoder: Encoder) -> None:
        """Look at an encoder, unless one after so many rounds was looked at.

        Args:
            rounds: behind the encoder.
            encoder: that is looked at.
        """
        if any(line["rounds"] == rounds for line in self.lines):
            return
        self.lines.append({"rounds": rounds, "seconds": self._time.seconds, "ndcg@10": self._judge(encoder)})
        write_whole(self._file, json.dumps(self.lines).encode())
