"""A sign in the engine's database that a run is under way: a millisecond, where Flower's command takes seconds.

The tables are the engine's own and may change with it. So only a clear sign counts; whoever finds none asks the engine.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

SECONDS = 1.0
"""to wait for a database that is busy"""
_TASK = """
    SELECT task.active_until FROM run JOIN task ON task.task_id = run.primary_task_id
    WHERE run.run_id = ? AND task.pending_at IS NOT NULL AND task.finished_at IS NULL
"""
"""Of the run's own task, by which Flower 1.42 tells the run's status (``get_run_status`` in sql_linkstate.py)."""


def is_under_way(database: Path, run: int, *, now: datetime) -> bool:
    """Whether the run surely waits for a process, or has one that has said in time that it lives."""
    signed = int.from_bytes(run.to_bytes(8, "big"), "big", signed=True)
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as opened:
            tasks = opened.execute(_TASK, (signed,)).fetchall()
        return len(tasks) == 1 and _in_time(tasks[0][0], now)
    except (sqlite3.Error, ValueError, TypeError):
        return False


def _in_time(until: str | None, now: datetime) -> bool:
    """Times are kept in UTC and say so nowhere; none is kept while a task waits."""
    return until is None or datetime.fromisoformat(until).replace(tzinfo=UTC) > now
