"""The engine's SQLite file: a sign that a run is under way, who is connected, a copy of it, and making it small again.

A sign takes a millisecond, Flower's command seconds. The tables are the engine's own and may change with it: so only a
clear sign counts, and whoever finds none asks the engine.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import ConfigError

WASTE = 0.5
"""share of free pages from which on it is written anew: the engine deletes what it has delivered, and never shrinks"""


def copy_database(source: Path, target: Path) -> None:
    """Make a whole copy as of one moment; the engine may have the file open.

    Args:
        source: the engine's database.
        target: where the copy is written.

    Raises:
        ConfigError: if there is no copy to be had.
    """
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise ConfigError(f"{source}: the engine's database cannot be copied: {error}") from error


def compact(path: Path) -> bool:
    """Write a database anew where more than half of it is free. Only while no engine has it open.

    Args:
        path: the engine's database.

    Returns:
        Whether it was written anew; False where there is none.

    Raises:
        ConfigError: if the file is damaged.
    """
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            pages = int(database.execute("PRAGMA page_count").fetchone()[0])
            free = int(database.execute("PRAGMA freelist_count").fetchone()[0])
            if free <= WASTE * pages:
                return False
            database.execute("VACUUM")
            return True
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: the engine's database cannot be opened: {error}") from error


SECONDS = 1.0
"""to wait for a database that is busy"""
_TASK = """
    SELECT task.active_until FROM run JOIN task ON task.task_id = run.primary_task_id
    WHERE run.run_id = ? AND task.pending_at IS NOT NULL AND task.finished_at IS NULL
"""
"""Of the run's own task, by which Flower 1.42 tells the run's status (``get_run_status`` in sql_linkstate.py)."""


def is_under_way(database: Path, run: int, *, now: datetime) -> bool:
    """Whether there is a clear sign that the run waits for a process, or has one that has said in time that it lives.

    Args:
        database: the engine's database.
        run: the run's id in the engine.
        now: the present time.

    Returns:
        False where the run is at its end, and also where the file gives no clear sign or cannot be read.
    """
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


_NODES = "SELECT node_id, status, last_activated_at, last_deactivated_at, online_until FROM node"
_STATES = ("registered", "online", "offline", "unregistered")


@dataclass(frozen=True)
class NodeState:
    """What the engine knows of a platform's connection."""

    state: str
    """registered (it never came), online, offline or unregistered"""
    since: datetime | None
    """when it came or went; None where neither is known"""


def node_states(database: Path, *, now: datetime) -> dict[int, NodeState] | None:
    """What the engine's database tells of platforms' connections.

    Args:
        database: the engine's database.
        now: the present time; a node that should have said before it that it is online, and has not, counts as offline.

    Returns:
        Node id to its state; None where the file does not tell them in the form that is known.
    """
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as opened:
            rows = opened.execute(_NODES).fetchall()
        return {row[0] % 2**64: _node_state(*row[1:], now=now) for row in rows}
    except (sqlite3.Error, ValueError, TypeError):
        return None


def _node_state(state: str, came: str | None, went: str | None, until: float | None, *, now: datetime) -> NodeState:
    """Who is online says so again and again; the engine itself notes only when it looks that somebody does not."""
    if state not in _STATES:
        raise ValueError(state)
    if state == "online" and until is not None and until < now.timestamp():
        return NodeState("offline", datetime.fromtimestamp(until, UTC))
    moment = came if state == "online" else went if state == "offline" else None
    return NodeState(state, datetime.fromisoformat(moment) if moment else None)
