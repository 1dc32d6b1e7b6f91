"""A run at the terminal: written down for the supervisor, queued again, and followed to its end."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from server.coordinator.home import ServerHome
from server.coordinator.run_book import OPEN, Run, RunBook
from server.engine.supervisor import supervision
from shared.errors import ConfigError, FederationError
from shared.federation.config import RoundsConfig

LOOK_SECONDS = 0.5
MIB = 2**20


def begin(home: ServerHome, config: RoundsConfig) -> Run:
    """Write a new run down, from the newest encoder; raises ConfigError where the server does not run."""
    _require_running(home)
    return RunBook(home.runs).add(config, home.encoder.read_bytes())


def go_on(home: ServerHome, number: int) -> Run:
    """Queue a run again that was stopped or has failed; raises ConfigError for any other."""
    _require_running(home)
    run = RunBook(home.runs).get(number)
    standing = run.standing()
    if standing.state not in {"stopped", "failed"}:
        raise ConfigError(f"run {number} is {standing.state}; only one that was stopped or has failed can go on")
    run.stands(replace(standing, state="queued", engine_run=None, idle_submissions=0, reason=""))
    return run


def follow(run: Run, home: ServerHome, console: Console) -> None:
    """Show each round as it ends, until the run does; raises FederationError where it fails or is stopped."""
    console.print(f"run {run.number}, in {run.folder}; it goes on without this terminal")
    if console.is_terminal:
        with Live(console=console, refresh_per_second=2) as live:
            for history in _histories(run, home):
                live.update(_table(history, run))
    else:
        shown = 0
        for history in _histories(run, home):
            for record in history[shown:]:
                console.print("  ".join(_cells(record)))
            shown = len(history)
    standing = run.standing()
    if standing.state != "completed":
        raise FederationError(f"run {run.number} {standing.state}: {standing.reason}")
    console.print(f"run {run.number} is completed; its encoder: {run.encoder}")


def _histories(run: Run, home: ServerHome) -> Iterator[list[dict[str, Any]]]:
    """The history again and again while the run is open, and once more after."""
    while run.standing().state in OPEN:
        if not supervision(home).running():
            raise FederationError(f"run {run.number} waits until the server runs again: graft-server start")
        yield run.history()
        time.sleep(LOOK_SECONDS)
    yield run.history()


def _table(history: list[dict[str, Any]], run: Run) -> Table:
    table = Table("question", "platforms", "loss", "NDCG@10", "MiB", "seconds", "note")
    for record in history:
        table.add_row(*_cells(record))
    table.caption = f"run {run.number}: {run.standing().state}"
    return table


def _cells(record: Mapping[str, Any]) -> list[str]:
    """One line of the history in words and figures; losses and NDCG@10 are means over platforms."""
    losses = [phases.get("encoder", next(iter(phases.values()), 0.0)) for phases in record["losses"].values()]
    quality = [parts["both"] for parts in record["validation"].values() if "both" in parts]
    absent = [*record["missing"], *record["failed"], *record["dropped"], *record["declined"]]
    away = f" (without {', '.join(absent)})" if absent else ""
    return [
        f"{record['kind']} {record['round']}",
        f"{len(record['platforms'])}{away}",
        _mean(losses),
        _mean(quality),
        f"{(record['bytes_down'] + record['bytes_up']) / MIB:.1f}",
        f"{record['seconds']:.0f}",
        record["note"]
        or ("" if record.get("kept", True) or record["kind"] != "evaluate" else "clearly worse than before: not kept"),
    ]


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.4f}" if values else ""


def _require_running(home: ServerHome) -> None:
    if not supervision(home).running():
        raise ConfigError(f"{home.folder}: the server does not run; start it with graft-server start")
