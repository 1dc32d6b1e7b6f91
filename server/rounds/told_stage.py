"""Which stage of a secure sum a run is in and whom it asked, in a small file for those who watch."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.system.whole_file import write_whole

STAGE_FILE = "stage.json"
WORDS = {
    "keys": "set-up: keys",
    "shares": "set-up: shares",
    "mask": "masking",
    "agree": "agreement",
    "open": "opening",
}
"""a stage for people"""


@dataclass(frozen=True, kw_only=True)
class ToldStage:
    """One stage."""

    round: int
    stage: str
    asked: tuple[str, ...]
    """platforms whose answers are awaited"""

    @property
    def words(self) -> str:
        """For people."""
        return f"{WORDS.get(self.stage, self.stage)}, awaits {', '.join(self.asked)}"


def tell_stage(folder: Path | None, round_number: int, stage: str, awaited: Iterable[str]) -> None:
    """Leave word in a run's folder; where the disk is full, nobody is told and the run goes on.

    Args:
        folder: of the run's files; None: nobody is told.
        round_number: of the sum.
        stage: a key of ``WORDS``.
        awaited: names of the platforms that are asked.
    """
    if folder is None:
        return
    current_stage = ToldStage(round=round_number, stage=stage, asked=tuple(sorted(awaited)))
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / STAGE_FILE, json.dumps(asdict(current_stage)).encode("utf-8"))


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
        return ToldStage(round=content["round"], stage=content["stage"], asked=tuple(content["asked"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
