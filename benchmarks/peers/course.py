"""What every competitor of the training race runs on: the same sequences, the same evaluator, one stop-watch.

U users, n items. Imported in the environments of the peers too: needs numpy, torch and this repository, nothing else.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from benchmarks.peers.race_log import BUDGET_OVER
from client.data.platform import Examples
from client.data.ragged import offsets_of
from client.data.sequences import Sequences, part, select
from client.evaluation.ranking import ScoreHistories, by_user, rank


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """The data of a race."""

    sequences: Sequences
    """[U] training events of each user; also the history of the validation event"""
    targets: np.ndarray
    """[U] the validation event's item of each user"""
    validation: Examples
    """the validation event of the users who are asked"""
    n_items: int
    repeats: bool = False
    """whether seen items stay in the ranking"""

    @classmethod
    def read(cls, file: Path) -> "Course":
        """From the file that ``write`` made."""
        with np.load(file) as held:
            sequences = Sequences(offsets=held["offsets"], items=held["items"])
            users, targets, n_items = held["asked"], held["targets"], int(held["n_items"])
        examples = Examples(users=users, histories=select(sequences, users), targets=targets[users])
        return cls(sequences=sequences, targets=targets, validation=examples, n_items=n_items)

    def ndcg(self, score: ScoreHistories) -> float:
        """Validation NDCG@10 over the whole catalogue, the mean over users."""
        ranking = rank(score, self.validation, n_items=self.n_items, repeats=self.repeats)
        return float(by_user(ranking.ndcg, ranking.users).mean())

    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The training events as (user, item, position in the user's sequence)."""
        lengths = self.sequences.lengths()
        users = np.repeat(np.arange(len(lengths)), lengths)
        return users, self.sequences.items, np.arange(len(users)) - self.sequences.offsets[users]


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry:
    """What the race's script tells a competitor."""

    course: Course
    settings: dict[str, Any]
    seed: int
    budget: float
    """processor seconds of training after which no lap is begun"""
    laps: int
    """of an epoch of a peer: how often it is asked"""
    patience: int
    """laps without a better NDCG@10 after which the race is over"""

    @classmethod
    def from_arguments(cls) -> "Entry":
        """Read the command line of a driver; what is printed from then on goes to stderr."""
        sys.stdout = sys.stderr  # whatever a library prints from here on is no line of the race
        parser = argparse.ArgumentParser()
        parser.add_argument("course", type=Path)
        parser.add_argument("--settings", type=json.loads, required=True)
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--budget", type=float, required=True)
        parser.add_argument("--laps", type=int, required=True)
        parser.add_argument("--patience", type=int, required=True)
        options = vars(parser.parse_args())
        return cls(course=Course.read(options.pop("course")), **options)

    def steps(self, of_an_epoch: int) -> int:
        """How many steps of a peer are a lap."""
        return -(-of_an_epoch // self.laps)


class Stopwatch:
    """Counts the time of training only, measures NDCG@10 while it stands, and says it all on stdout.

    Two times: by the wall, and the processor's, in which other work on the machine hardly shows.
    """

    def __init__(
        self,
        entry: Entry,
        packages: tuple[str, ...],
        *,
        clocks: tuple[Callable[[], float], Callable[[], float]] = (time.perf_counter, time.process_time),
        out: TextIO = sys.stdout,
    ) -> None:
        self.entry, self.clocks, self.out = entry, clocks, out
        self.wall, self.processor, self.targets = 0.0, 0.0, 0.0
        self.scores: list[float] = []
        self.begun: tuple[float, ...] = ()
        versions = {name: version(name) for name in ("torch", "numpy", *packages)}
        self._say(kind="start", versions=versions, settings=entry.settings, threads=torch.get_num_threads())

    def go(self) -> None:
        """Training goes on from here."""
        self.begun = tuple(clock() for clock in self.clocks)

    def stop(self) -> None:
        """Training stands still."""
        wall, processor = (clock() for clock in self.clocks)
        self.wall += wall - self.begun[0]
        self.processor += processor - self.begun[1]

    def lap(self, targets: float, score: ScoreHistories) -> bool:
        """A lap on so many targets has ended and the watch stands; True where the race is over."""
        self.targets += targets
        self.scores.append(self.entry.course.ndcg(score))
        times = {"wall": self.wall, "processor": self.processor}
        self._say(kind="lap", **times, targets=self.targets, ndcg=self.scores[-1])
        return bool(self._reason())

    def finish(self) -> None:
        """Say why the race is over."""
        self._say(kind="end", reason=self._reason() or "by its own rule")

    def _reason(self) -> str:
        if len(self.scores) - 1 - int(np.argmax(self.scores)) >= self.entry.patience:
            return f"nothing better in {self.entry.patience} laps"
        return BUDGET_OVER if self.processor >= self.entry.budget else ""

    def _say(self, **entry: object) -> None:
        print(json.dumps(entry), file=self.out, flush=True)


def in_windows(sequences: Sequences, length: int) -> Sequences:
    """The sequences cut into lists of ``length`` + 1 items, counted from the end; each begins with the last's end.

    So each item but a user's first is predicted once. Users of fewer than two events have none.
    """
    predicted = np.maximum(sequences.lengths() - 1, 0)
    counts = -(-predicted // length)
    rows = np.repeat(np.arange(len(sequences)), counts)
    back = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)  # 0 for a user's last window
    stops = sequences.lengths()[rows] - back * length
    starts = np.maximum(stops - length - 1, 0)
    return part(sequences, rows, starts, stops - starts)


def known_alone(histories: Sequences, known: np.ndarray) -> Sequences:
    """The histories without the items that are not ``known`` [n]."""
    is_known = known[histories.items]
    lengths = np.bincount(histories.owners()[is_known], minlength=len(histories))
    return Sequences(offsets=offsets_of(lengths), items=histories.items[is_known])


def left_padded(histories: Sequences, length: int, columns: np.ndarray) -> torch.Tensor:
    """[B, length] the last items of the histories as ``columns[item]``, padding (0) first."""
    rows = np.repeat(np.arange(len(histories)), histories.lengths())
    from_end = histories.offsets[rows + 1] - 1 - np.arange(len(rows))
    is_recent = from_end < length
    padded = np.zeros((len(histories), length), np.int64)
    padded[rows[is_recent], length - 1 - from_end[is_recent]] = columns[histories.items[is_recent]]
    return torch.from_numpy(padded)


def over_catalogue(scores: torch.Tensor, columns: np.ndarray) -> torch.Tensor:
    """[B, n] a library's scores in the order of our items; NaN, which ranks last, for one unknown to it (column 0)."""
    ordered = scores[:, torch.from_numpy(columns)]
    ordered[:, torch.from_numpy(columns == 0)] = torch.nan
    return ordered
