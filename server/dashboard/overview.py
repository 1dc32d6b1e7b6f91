"""All that the page shows, read from the coordinator's folder alone: the engine is not asked, nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome, ServerSettings
from server.coordinator.moments_shown import moment_words
from server.coordinator.run_book import Run, RunBook
from server.dashboard.encoder_facts import Fact, encoder_facts
from server.dashboard.latest_run import LatestRun, latest_run
from server.dashboard.release_acceptance import accepted_in
from server.engine.absences import TRAIN
from server.engine.round_lines import kept_encoder, kept_words
from server.engine.standings import standings
from server.engine.status import answer_words, status
from server.releases.listing import current_words
from shared.system.settings_file import read_settings


@dataclass(frozen=True, kw_only=True)
class PlatformRow:
    """One platform."""

    name: str
    state: str
    tone: str
    """good, wait or bad: how its state is coloured"""
    since: str
    last: str
    """its last answer"""
    users: str
    """its size class"""
    accepted: str
    """the newest run whose bundle it let work"""
    why: str
    do: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The coordinator at one moment."""

    addresses: str
    folder: str
    read_at: str
    status: Mapping[str, Any]
    """as of ``graft-server status``"""
    platforms: tuple[PlatformRow, ...]
    run: LatestRun | None
    encoder: tuple[Fact, ...]
    origin: str
    """which run left the encoder, and whose answers are in it"""
    release: str
    """which release platforms install"""


def overview(home: ServerHome, *, now: datetime) -> Overview:
    """Read the folder: all that the page shows.

    Args:
        home: the coordinator's folder.
        now: the present time, as of which platforms' connections are told.

    Returns:
        The coordinator at this moment; ``run`` is None where there was no run.

    Raises:
        ConfigError: if a part of the folder is damaged.
    """
    settings = read_settings(ServerSettings, home.settings)
    runs, server_status = RunBook(home.runs).runs(), status(home, now=now, may_ask=False)
    there = standings(home, now=now, may_ask=False)
    return Overview(
        addresses=", ".join(f"{name}:{settings.port}" for name in settings.names),
        folder=str(home.folder),
        read_at=f"{now:%Y-%m-%d %H:%M:%S} UTC",
        status=server_status,
        platforms=_platforms(server_status["platforms"], Enrolment(home.platforms).classes(), accepted_in(runs)),
        run=latest_run(runs[-1], there, folder=home.folder, now=now) if runs else None,
        encoder=encoder_facts(home.encoder),
        origin=_origin(runs),
        release=current_words(home, now),
    )


def _platforms(
    platforms: Sequence[Mapping[str, Any]], classes: Mapping[str, int], accepted: Mapping[str, int]
) -> tuple[PlatformRow, ...]:
    return tuple(
        PlatformRow(
            name=platform["name"],
            state=platform["connection"],
            tone=_tone(platform),
            since=moment_words(datetime.fromisoformat(platform["since"])) if platform["since"] else "",
            last=answer_words(platform),
            users=f"{classes[platform['name']]:,}" if platform["name"] in classes else "",
            accepted=f"the bundle of run {accepted[platform['name']]}" if platform["name"] in accepted else "none yet",
            why=platform["why"],
            do=platform["do"],
        )
        for platform in platforms
    )


def _tone(platform: Mapping[str, Any]) -> str:
    """Who takes part is good; who is there or may come, and takes none for now, waits."""
    if platform["connected"]:
        return "wait" if platform["cause"] else "good"
    return "wait" if platform["queued"] or platform["connection"] == "unknown" else "bad"


def _origin(runs: Sequence[Run]) -> str:
    """Of the encoder that stands in the folder: the last run that was completed has left it."""
    completed = [run for run in runs if run.standing().state == "completed"]
    if not completed:
        return "It is the one that the folder was made with; no run has been completed yet."
    history = completed[-1].history()
    last = kept_encoder(history)["round"]
    makers = {
        name
        for record in history
        if record["kind"] == TRAIN and record["round"] <= last
        for name in record["platforms"]
    }
    trained = f"trained by {', '.join(sorted(makers))}" if makers else "no platform trained it"
    return f"Run {completed[-1].number} left it: {kept_words(history)}; {trained}."
