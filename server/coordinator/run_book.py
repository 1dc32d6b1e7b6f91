"""The runs of a coordinator: a folder each, with what was asked, where it stands, and what it has reached.

``graft-server run`` writes a run down, the supervisor submits it; so a run outlives both.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from server.aggregation.size_classes import SizeClasses
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.rounds.checkpoints import CHECKPOINT_FILE, ENCODER_FILE, HISTORY_FILE, OUTCOME_FILE
from server.rounds.sum_roster import introduced_text
from server.rounds.told_stage import ToldStage, told_stage
from shared.errors import ConfigError, os_error_as
from shared.federation.config import RoundsConfig
from shared.system.whole_file import write_whole

State = Literal["queued", "running", "completed", "failed", "stopped"]
OPEN = ("queued", "running")
RESUMABLE = ("stopped", "failed")
"""states from which a run can go on"""
_NUMBER = re.compile(r"\d{4}")
EVALUATE = "evaluate"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a run stands."""

    state: State
    engine_run: int | None = None
    """its id in the engine, of the last submission"""
    submissions: int = 0
    idle_submissions: int = 0
    """the last ones that brought the run no step forward"""
    reached: str = ""
    """marks the checkpoint at the last submission"""
    reason: str = ""
    """why it failed or was stopped, in words"""


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def number(self) -> int:
        """From 1 on."""
        return int(self.folder.name)

    @property
    def start(self) -> Path:
        """The encoder that it started from."""
        return self.folder / "start.safetensors"

    @property
    def out(self) -> Path:
        """What the server app writes."""
        return self.folder / "out"

    @property
    def encoder(self) -> Path:
        """The newest encoder of this run."""
        return self.out / ENCODER_FILE

    def config(self) -> RoundsConfig:
        """What was asked."""
        return RoundsConfig.from_run_config(_read(self.folder / "config.json"))

    def standing(self) -> Standing:
        """Raises ConfigError for a damaged file."""
        try:
            return Standing(**_read(self.folder / "standing.json"))
        except TypeError as error:
            raise ConfigError(f"{self.folder}: not a run's folder") from error

    def stands(self, standing: Standing) -> None:
        """Write down where the run stands, whole.

        Args:
            standing: takes the place of the one before.
        """
        write_whole(self.folder / "standing.json", _json(asdict(standing)))

    def history(self) -> list[dict[str, Any]]:
        """Its rounds so far, as the server app has written them."""
        path = self.out / HISTORY_FILE
        history: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
        return history

    def rounds_done(self) -> int:
        """Training rounds."""
        return rounds_done(self.history())

    def outcome(self) -> dict[str, str] | None:
        """What the server app said at its end; None where it was cut off or is under way."""
        path = self.out / OUTCOME_FILE
        return _read(path) if path.exists() else None

    def stage(self) -> ToldStage | None:
        """What is asked now, of whom, and who has answered; None where nothing is known to be."""
        return told_stage(self.out, since=self.out / CHECKPOINT_FILE) if self.standing().state == "running" else None

    def forget_outcome(self) -> None:
        """Before it is submitted again."""
        (self.out / OUTCOME_FILE).unlink(missing_ok=True)

    def reached(self) -> str:
        """Differs whenever the checkpoint has been written anew."""
        path = self.out / CHECKPOINT_FILE
        return str(path.stat().st_mtime_ns) if path.exists() else ""

    def run_config(self, home: ServerHome, register: Enrolment) -> dict[str, bool | int | float | str]:
        """What is submitted, with the platforms' size classes and keys for sums.

        A run always goes on from what stands in its folder, and its tasks are signed by a key.

        Args:
            home: the coordinator's folder.
            register: who may join.

        Returns:
            The run config that the server app gets, by name of the option.

        Raises:
            ConfigError: if the register or the run's own config cannot be read.
        """
        places = {"encoder": str(self.start), "out": str(self.out), "task-key": str(home.task_key)}
        places |= {"ledgers": str(home.ledgers), "summed": str(home.summed)}
        known = {"classes": SizeClasses(register.classes()).to_text()}
        known["roster"] = introduced_text(register.introductions())
        return {**self.config().to_run_config(), **places, **known, "resume": True}

    def ask_to_stop(self) -> None:
        """The supervisor ends it when it looks next."""
        (self.folder / "stop").touch()

    def take_stop(self) -> bool:
        """Whether somebody has asked, once."""
        stop_requested = (self.folder / "stop").exists()
        (self.folder / "stop").unlink(missing_ok=True)
        return stop_requested


@dataclass(frozen=True)
class RunBook:
    """All runs in one folder."""

    folder: Path

    def runs(self) -> list[Run]:
        """The oldest first; what was not written whole does not count."""
        names = sorted(path.name for path in self.folder.iterdir() if _NUMBER.fullmatch(path.name))
        runs = [Run(self.folder / name) for name in names]
        return [run for run in runs if (run.folder / "standing.json").exists()]

    def get(self, number: int) -> Run:
        """The run of this number.

        Args:
            number: from 1.

        Returns:
            The run.

        Raises:
            ConfigError: if there is none.
        """
        runs = [run for run in self.runs() if run.number == number]
        if not runs:
            raise ConfigError(f"there is no run {number}")
        return runs[0]

    def add(self, config: RoundsConfig, encoder: bytes) -> Run:
        """Write a new run down, queued, under the next number.

        Args:
            config: what is asked for.
            encoder: the content of the encoder file that the run starts from.

        Returns:
            The new run.

        Raises:
            ConfigError: if its folder cannot be written.
        """
        taken = [int(path.name) for path in self.folder.iterdir() if _NUMBER.fullmatch(path.name)]
        run = Run(self.folder / f"{max(taken, default=0) + 1:04d}")
        with os_error_as(ConfigError, f"{run.folder}: the run cannot be written"):
            run.folder.mkdir()
            write_whole(run.start, encoder)
            write_whole(run.folder / "config.json", _json(config.to_run_config()))
            run.stands(Standing(state="queued"))
        return run


def resume_command(folder: Path | str, number: int) -> str:
    """With what a run goes on that was stopped or has failed.

    Args:
        folder: the coordinator's.
        number: of the run.

    Returns:
        The command line.
    """
    return f"graft-server run {folder} --resume {number}"


def rounds_done(history: Sequence[Mapping[str, Any]]) -> int:
    """Training rounds of a history."""
    return max((record["round"] for record in history if record["kind"] == "train"), default=0)


def kept_evaluation(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The evaluation whose encoder the run leaves, as far as it is; None where nobody judged one."""
    judged = [
        record for record in history if record["kind"] == EVALUATE and record["validation"] and record.get("kept")
    ]
    return judged[-1] if judged else None


def answered(record: Mapping[str, Any]) -> int:
    """How many platforms or devices sent an answer that was used; of a cohort a history has numbers alone."""
    return len(record["platforms"]) + int(record.get("counts", {}).get("reply", 0))


def declined(record: Mapping[str, Any]) -> int:
    """How many declined."""
    return len(record["declined"]) + int(record.get("counts", {}).get("declined", 0))


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(values), indent=1).encode("utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read") from error
    return content
