"""Which question of a run is under way, whom it asked and who has answered, in a small file for those who watch."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.system.whole_file import write_whole

STAGE_FILE = "stage.json"
WORDS = {
    "start": "evaluation of the start",
    "moments": "moments",
    "after-moments": "evaluation after moments",
    "train": "training of round {round}",
    "evaluate": "evaluation of round {round}",
    "keys": "set-up of sum {round}: keys",
    "shares": "set-up of sum {round}: shares",
    "mask": "sum {round}: masking",
    "agree": "sum {round}: agreement",
    "open": "sum {round}: opening",
}
"""a stage for people: the questions of a run, then those of a secure sum"""


@dataclass(frozen=True, kw_only=True)
class ToldStage:
    """One stage."""

    round: int
    """of the question; of a secure sum its number"""
    stage: str
    """a key of ``WORDS``"""
    asked: tuple[str, ...]
    """platforms that were sent the question"""
    answered: tuple[str, ...] = ()
    """those of them whose answer came"""
    since: float = 0.0
    """when the question was asked, in seconds since 1970"""

    @property
    def doing(self) -> str:
        """What is asked, for people."""
        return WORDS.get(self.stage, self.stage).format(round=self.round)

    @property
    def awaited(self) -> str:
        """Who is awaited, and who has answered, for people."""
        open_names = [name for name in self.asked if name not in self.answered]
        parts = [f"awaits {', '.join(open_names)}" if open_names else "all have answered"]
        if open_names and self.answered:
            parts.append(f"{', '.join(self.answered)} answered")
        return "; ".join(parts)

    @property
    def words(self) -> str:
        """Both."""
        return f"{self.doing}, {self.awaited}"


class StageTeller:
    """Leaves word in a run's folder; where there is none, or the disk is full, nobody is told and the run goes on."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._told = ToldStage(round=0, stage="", asked=())

    def begins(self, round_number: int, stage: str, asked: Iterable[str]) -> None:
        """Platforms are asked; where they are more of the question under way, it goes on.

        Args:
            round_number: of the question.
            stage: a key of ``WORDS``; empty: nobody is told.
            asked: names of the platforms that are sent it.
        """
        told = self._told
        if (told.round, told.stage) != (round_number, stage):
            told = ToldStage(round=round_number, stage=stage, asked=(), since=time.time())
        again = set(asked)
        self._tell(told, asked={*told.asked, *again}, answered=set(told.answered) - again)

    def hears(self, names: Iterable[str]) -> None:
        """The answers of platforms that were asked last have come."""
        self._tell(self._told, asked=set(self._told.asked), answered={*self._told.answered, *names})

    def _tell(self, told: ToldStage, *, asked: set[str], answered: set[str]) -> None:
        if self._folder is None or not told.stage:
            return
        self._told = ToldStage(
            round=told.round,
            stage=told.stage,
            asked=tuple(sorted(asked)),
            answered=tuple(sorted(answered)),
            since=told.since,
        )
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / STAGE_FILE, json.dumps(asdict(self._told)).encode("utf-8"))


NOBODY_TOLD = StageTeller(None)


def told_stage(folder: Path, since: Path) -> ToldStage | None:
    """The stage that was begun after another file was written last.

    Args:
        folder: of the run's files.
        since: the other file; where it is not there, any stage counts.

    Returns:
        The stage; None where there is none.
    """
    path = folder / STAGE_FILE
    try:
        if since.exists() and since.stat().st_mtime_ns > path.stat().st_mtime_ns:
            return None
        content = json.loads(path.read_text("utf-8"))
        return ToldStage(
            round=content["round"],
            stage=content["stage"],
            asked=tuple(content["asked"]),
            answered=tuple(content.get("answered", ())),
            since=float(content.get("since", path.stat().st_mtime)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
