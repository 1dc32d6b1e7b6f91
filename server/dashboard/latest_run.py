"""The newest run as the page shows it: how far it is, who is awaited, each question, and each platform's part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from server.coordinator.run_book import EVALUATE, OPEN, RESUMABLE, Run, kept_evaluation, resume_command
from server.dashboard.round_chart import RoundChart, round_chart
from server.engine.absences import absences_in, absences_in_round, without_words
from server.engine.followed_run import View
from server.engine.round_lines import (
    cells,
    mean_loss,
    mean_quality,
    progress,
    training_loss,
)
from server.engine.standings import PlatformStanding
from server.rounds.checkpoints import HISTORY_FILE
from server.rounds.run_state import PASSED_OVER, RoundRecord
from server.rounds.sum_groups import group_words
from shared.federation.messages import BOTH

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Question:
    """A line of the table of questions."""

    name: str
    answered: str
    loss: str
    quality: str
    mib_out: str
    mib_in: str
    seconds: str
    note: str
    without: tuple[str, ...]
    """who sent no usable answer, and why"""
    kept: bool
    """whether the run leaves the encoder of this round, as far as it is"""
    passed_over: bool


@dataclass(frozen=True, kw_only=True)
class PlatformPart:
    """What one platform, or one group of a masked run, brought to the newest round."""

    name: str
    loss: str
    quality: str
    weight: str
    note: str


@dataclass(frozen=True, kw_only=True)
class LatestRun:
    """A run at one moment."""

    number: int
    state: str
    caption: str
    """number, state and progress"""
    progress: str
    reason: str
    under_way: tuple[str, ...]
    """what is done now and for how long, who has answered and who is awaited, a line each; empty once it is over"""
    resume: str
    """the command with which it goes on; empty where it cannot"""
    asked: str
    """what was asked, in words"""
    without: tuple[str, ...]
    """the names of who takes no part"""
    questions: tuple[Question, ...]
    """the newest first"""
    parts: tuple[PlatformPart, ...]
    charts: tuple[RoundChart, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is under way or waits to be."""
        return self.state in OPEN


def latest_run(run: Run, platforms: Sequence[PlatformStanding], *, folder: Path, now: datetime) -> LatestRun:
    """Read a run's folder; raises ConfigError where that is damaged.

    Args:
        run: its folder.
        platforms: where each stands.
        folder: the coordinator's.
        now: as of when.
    """
    standing, history, config, stage = run.standing(), run.history(), run.config(), run.stage()
    view = View(
        run=run,
        config=config,
        history=history,
        platforms=tuple(platforms),
        seconds=max(0.0, now.timestamp() - stage.since) if stage else _seconds_since(run, now),
        stage=stage,
    )
    is_open = standing.state in OPEN
    charts = (
        round_chart("Training loss, in nats, mean over platforms", history, mean_loss),
        round_chart("NDCG@10 on validation, mean over platforms", history, mean_quality),
    )
    return LatestRun(
        number=run.number,
        state=standing.state,
        caption=view.caption(),
        progress=progress(history, config.rounds, is_open=is_open),
        reason=standing.reason,
        under_way=view.under_way() if is_open else (),
        resume=resume_command(folder, run.number) if standing.state in RESUMABLE else "",
        asked=", ".join(
            [
                f"{config.rounds} rounds",
                f"privacy {config.privacy}",
                f"updates {config.local.updates}",
                f"aggregation {config.aggregation}",
            ]
        ),
        without=_without(history, platforms if is_open else ()),
        questions=tuple(_question(record, config.rounds, history) for record in reversed(history)),
        parts=_parts(history),
        charts=tuple(chart for chart in charts if chart is not None),
    )


def _seconds_since(run: Run, now: datetime) -> float:
    """The last question was answered, or the run was written down."""
    answered = run.out / HISTORY_FILE
    moment = (answered if answered.exists() else run.folder).stat().st_mtime
    return max(0.0, now.timestamp() - moment)


def _without(history: Sequence[Mapping[str, Any]], platforms: Sequence[PlatformStanding]) -> tuple[str, ...]:
    """Who sent no usable answer in the last round, and of these platforms who is not there now."""
    silent = absences_in_round(history) if history else {}
    away = {platform.name for platform in platforms if platform.absence is not None and not platform.connected}
    return tuple(sorted({*silent, *away}))


def _question(record: Mapping[str, Any], rounds: int, history: Sequence[Mapping[str, Any]]) -> Question:
    name, answered, loss, quality, _, seconds, note = cells(record, rounds, history)
    return Question(
        name=name,
        answered=answered,
        loss=loss,
        quality=quality,
        mib_out=f"{record['bytes_down'] / MIB:.1f}",
        mib_in=f"{record['bytes_up'] / MIB:.1f}",
        seconds=seconds,
        note=note.removeprefix(PASSED_OVER),
        without=tuple(without_words(absences_in(record))),
        kept=record is kept_evaluation(history),
        passed_over=RoundRecord.from_json(record).passed_over,
    )


def _parts(history: Sequence[Mapping[str, Any]]) -> tuple[PlatformPart, ...]:
    """What the newest training, or moments, and the newest evaluation say by platform."""
    losses, weights, held_back = (_newest(history, field) for field in ("losses", "weights", "held_back"))
    judged: Mapping[str, Any] = next((record for record in reversed(history) if record["kind"] == EVALUATE), {})
    validation = judged.get("validation", {})
    groups = {name: members for record in history for name, members in record.get("groups", {}).items()}
    return tuple(
        PlatformPart(
            name=group_words(name, groups[name]) if name in groups else name,
            loss=f"{training_loss(losses[name]):.4f}" if name in losses else "",
            quality=f"{validation[name][BOTH]:.4f}" if BOTH in validation.get(name, {}) else "",
            weight=f"{weights[name]:.3g}" if name in weights else "",
            note=held_back.get(name, ""),
        )
        for name in sorted({*losses, *weights, *held_back, *validation})
    )


def _newest(history: Sequence[Mapping[str, Any]], field: str) -> Mapping[str, Any]:
    """The field of the newest question that trained or asked for moments."""
    newest: Mapping[str, Any] = next((record for record in reversed(history) if record["kind"] != EVALUATE), {})
    entries: Mapping[str, Any] = newest.get(field, {})
    return entries
