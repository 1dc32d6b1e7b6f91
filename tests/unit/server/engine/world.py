"""A coordinator's folder with a register, an engine's database and runs, as if its server ran."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook, Standing
from server.rounds.run_state import RoundRecord
from shared.federation.config import RoundsConfig

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMPTY = {"declined": {}, "failed": {}, "dropped": {}, "missing": ()}


def record(kind: str, number: int, platforms: tuple[str, ...], **further) -> RoundRecord:
    """A question, 2 MiB and 10 seconds."""
    size = {"seconds": 10.0, "bytes_down": 2**20, "bytes_up": 2**20}
    return RoundRecord(kind=kind, round=number, platforms=platforms, **{**size, **EMPTY, **further})


class World:
    """Platforms by name, each with what the engine knows of it."""

    def __init__(self, folder: Path) -> None:
        self.home = ServerHome(folder)
        for made in (self.home.state, self.home.runs, self.home.logs, self.home.authority.parent):
            made.mkdir(parents=True)
        self.register = Enrolment(self.home.platforms)
        with closing(sqlite3.connect(self.home.database)) as database:
            columns = "node_id, status, last_activated_at, last_deactivated_at, online_until"
            database.execute(f"CREATE TABLE node ({columns})")
            database.commit()

    def enroll(self, name: str, status: str = "", *, until: datetime | None = None) -> None:
        """Since an hour, as the engine calls it; empty: it has yet to be told."""
        self.register.enroll(name, f"key of {name}")
        if not status:
            return
        node = len(self.register.read())
        self.register.update(lambda one: one if one.name != name else type(one)(**{**one.__dict__, "node": node}))
        came = None if status == "registered" else (NOON - 2 * HOUR).isoformat()
        went = (NOON - HOUR).isoformat() if status == "offline" else None
        row = (node, status, came, went, (until or NOON + HOUR).timestamp())
        with closing(sqlite3.connect(self.home.database)) as database:
            database.execute("INSERT INTO node VALUES (?, ?, ?, ?, ?)", row)
            database.commit()

    def run(self, *records: RoundRecord, rounds: int = 2, state: str = "completed", **config) -> Run:
        """A run that has come so far."""
        run = RunBook(self.home.runs).add(RoundsConfig(rounds=rounds, **config), b"an encoder")
        run.out.mkdir()
        history = [one.to_json() for one in records]
        (run.out / "rounds.json").write_text(json.dumps(history))
        run.stands(Standing(state=state, reason="" if state == "completed" else "nobody came"))
        return run
