"""The ledger of what left: a line of JSON for each answer, on the disk before the answer is handed over.

It holds kinds, sizes and names of what left, never a content. A line that a crash cut off is told, not dropped.

An audit tells what has left in plain words.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.errors import ConfigError, LedgerError, os_error_as

KINDS = {
    "moments-reply": "moments: sums over events, from which the linear part is solved",
    "cross-reply": "cross moments under noise: the linear part, of which no single user can be told",
    "train-reply": "encoder: the shared network after local training, or what changed in it",
    "evaluate-reply": "evaluation: what the encoder is worth here",
    "declined": "decline: the platform only receives",
    "failed": "failure: an error's code, without its text",
}

ANSWERS = {
    "moments-reply": "sent its moments",
    "cross-reply": "sent its moments under noise",
    "train-reply": "sent its trained encoder, or what changed in it",
    "evaluate-reply": "sent what the encoder is worth here",
    "sum-reply": "sent its part of a secure sum",
    "declined": "declined",
    "failed": "failed",
}
"""What each kind of answer comes to, in words."""

PLACE = Path("logs") / "outbound.jsonl"
"""in an agent's folder"""
OWNER_ONLY = 0o600
SHOWN = 16
"""digits of an encoder's digest that people are shown: enough to compare by voice"""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What leaves, in the ledger's words."""

    kind: str
    bytes: int
    arrays: Mapping[str, str]
    """record to dtype and size"""
    metrics: tuple[str, ...]
    """their names"""
    users: int
    """as told; 0 where nothing was"""
    code: str = ""
    """of a decline or a failure"""


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """One answer that left, or was held back."""

    time: str
    """ISO 8601, with offset"""
    round: int
    task: str
    kind: str
    """of the answer; empty where it was held back"""
    bytes: int = 0
    arrays: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    users: int = 0
    code: str = ""
    """of a decline or a failure"""
    held_back: str = ""
    """why it did not leave"""
    encoder: str = ""
    """digest of the encoder that the task was about: equal on all platforms of a round, which operators can compare"""

    @classmethod
    def left(cls, passed: "Passed", *, task: str, round_number: int, now: datetime, encoder: str = "") -> "LedgerLine":
        """A line for what the guard let pass.

        Args:
            passed: kind, size and names of what leaves.
            task: kind of the task.
            round_number: of the task.
            now: time of the line.
            encoder: digest of the encoder that the task was about; empty for none.

        Returns:
            the line.
        """
        return cls(time=_stamp(now), round=round_number, task=task, encoder=encoder, **asdict(passed))

    @classmethod
    def kept(cls, reason: str, *, task: str, round_number: int, now: datetime) -> "LedgerLine":
        """A line for what the guard held back.

        Args:
            reason: why it did not leave.
            task: kind of the task.
            round_number: of the task.
            now: time of the line.

        Returns:
            the line.
        """
        return cls(time=_stamp(now), round=round_number, task=task, kind="", held_back=reason)


class Ledger:
    """A file that is only ever added to, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: LedgerLine) -> None:
        """Write a line through to the disk.

        Args:
            line: of an answer that leaves or is held back.

        Raises:
            LedgerError: if that is not possible.
        """
        text = json.dumps(asdict(line), sort_keys=True) + "\n"
        with os_error_as(LedgerError, "the ledger of what left cannot be written"):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
            with os.fdopen(handle, "r+b", buffering=0) as stream:
                stream.write(_after_a_cut_line(handle) + text.encode("utf-8"))
                os.fsync(handle)

    def lines(self) -> tuple[list[LedgerLine], list[int]]:
        """What stands in it, and the numbers of lines (from 1) that cannot be read; raises ConfigError for no file."""
        with os_error_as(ConfigError, f"{self._path}: the ledger of what left cannot be read"):
            texts = self._path.read_text("utf-8", errors="replace").splitlines()
        numbered = [(number, line_of(text)) for number, text in enumerate(texts, 1)]
        return [line for _, line in numbered if line is not None], [number for number, line in numbered if line is None]


def _stamp(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def _after_a_cut_line(handle: int) -> bytes:
    """A line end first where the last line has none."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


def line_of(text: str) -> LedgerLine | None:
    """One line of the file; None where it cannot be read."""
    try:
        fields = json.loads(text)
        line = LedgerLine(**{**fields, "metrics": tuple(fields["metrics"])})
        datetime.fromisoformat(line.time)
        if not type(line.bytes) is type(line.round) is int:
            return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return line


@dataclass(frozen=True, kw_only=True)
class Audit:
    """An agent's ledger, read."""

    folder: Path
    lines: Sequence[LedgerLine]
    unreadable: Sequence[int]
    """numbers of the ledger's lines that cannot be read, from 1"""

    @property
    def left(self) -> list[LedgerLine]:
        """What left the platform."""
        return [line for line in self.lines if not line.held_back]

    @property
    def held_back(self) -> list[LedgerLine]:
        """What the guard stopped."""
        return [line for line in self.lines if line.held_back]

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "left": [asdict(line) for line in self.left],
            "held_back": [asdict(line) for line in self.held_back],
            "bytes": sum(line.bytes for line in self.left),
            "unreadable_lines": list(self.unreadable),
        }

    def text(self) -> list[str]:
        """For people: totals by kind, then each answer in its order."""
        total = sum(line.bytes for line in self.left)
        head = f"{self.folder}: {_times(len(self.left), 'answer')} left this platform, {total:,} bytes in all"
        kinds = [self._kind(kind, words) for kind, words in KINDS.items()]
        damaged = ", ".join(map(str, self.unreadable))
        warning = [f"these lines of the ledger cannot be read: {damaged}"] if damaged else []
        held = [f"{_times(len(self.held_back), 'answer')} did not leave: the guard held them back"]
        each = [f"{_when(line)}  {said(line)}" for line in self.lines]
        return [head, *filter(None, kinds), *(held if self.held_back else []), *warning, *each]

    def _kind(self, kind: str, words: str) -> str:
        lines = [line for line in self.left if line.kind == kind]
        return f"  {words}: {_times(len(lines), 'time')}, {sum(line.bytes for line in lines):,} bytes" if lines else ""


def read_audit(folder: Path) -> Audit:
    """The audit of an agent's folder; raises ConfigError where it is none or its ledger cannot be read."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected an agent's folder; found none")
    path = folder / PLACE
    lines, unreadable = Ledger(path).lines() if path.exists() else ([], [])
    return Audit(folder=folder, lines=lines, unreadable=unreadable)


def _when(line: LedgerLine) -> str:
    return datetime.fromisoformat(line.time).strftime("%Y-%m-%d %H:%M:%S %Z").strip()


def said(line: LedgerLine) -> str:
    """One answer in words, without its time."""
    start = f"round {line.round}, {line.task}"
    if line.held_back:
        return f"{start}: held back: {line.held_back}"
    parts = [f"{name} {size}" for name, size in line.arrays.items()]
    parts += [f"metrics {', '.join(line.metrics)}"] if line.metrics else []
    parts += [f"of encoder {line.encoder[:SHOWN]}"] if line.encoder else []
    parts += [line.code] if line.code else []
    parts += [f"of about {line.users} users"] if line.users else []
    return f"{start}: {'; '.join([ANSWERS.get(line.kind, line.kind), *parts])}; {line.bytes:,} bytes"


def _times(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
