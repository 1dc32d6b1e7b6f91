"""What has left a platform, in plain words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from client.guard.ledger import PLACE, Ledger, LedgerLine
from shared.errors import ConfigError

KINDS = {
    "moments-reply": "moments: sums over events, from which the linear part is solved",
    "train-reply": "encoder: the shared network after local training, or what changed in it",
    "evaluate-reply": "evaluation: what the encoder is worth here",
    "declined": "decline: the platform only receives",
    "failed": "failure: an error's code, without its text",
}


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
        each = [_line(line) for line in self.lines]
        return [head, *filter(None, kinds), *(held if self.held_back else []), *warning, *each]

    def _kind(self, kind: str, words: str) -> str:
        found = [line for line in self.left if line.kind == kind]
        return f"  {words}: {_times(len(found), 'time')}, {sum(line.bytes for line in found):,} bytes" if found else ""


def read_audit(folder: Path) -> Audit:
    """The audit of an agent's folder; raises ConfigError where it is none or its ledger cannot be read."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected an agent's folder; found none")
    path = folder / PLACE
    lines, unreadable = Ledger(path).lines() if path.exists() else ([], [])
    return Audit(folder=folder, lines=lines, unreadable=unreadable)


def _line(line: LedgerLine) -> str:
    when = datetime.fromisoformat(line.time).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    start = f"{when}  round {line.round}, {line.task}"
    if line.held_back:
        return f"{start}: held back: {line.held_back}"
    parts = [f"{name} {size}" for name, size in line.arrays.items()]
    parts += [f"metrics {', '.join(line.metrics)}"] if line.metrics else []
    parts += [line.code] if line.code else []
    parts += [f"of about {line.users} users"] if line.users else []
    return f"{start}: {'; '.join([line.kind, *parts])}; {line.bytes:,} bytes"


def _times(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
