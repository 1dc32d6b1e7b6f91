"""The sign that a run is under way, read from the database that the installed engine itself makes and writes."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flwr.server.superlink.linkstate.sql_linkstate import SqlLinkState
from flwr.supercore.constant import NOOP_FEDERATION_ID, TaskType
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.superlink.federation import NoOpFederationManager

from server.engine.database import NodeState, is_under_way, node_states


@pytest.fixture
def engine(tmp_path) -> SqlLinkState:
    state = SqlLinkState(str(database(tmp_path)), NoOpFederationManager(), ObjectStoreFactory().store())
    state.initialize()
    return state


def database(folder: Path) -> Path:
    return folder / "engine.db"


def submitted(engine: SqlLinkState) -> tuple[int, int]:
    """A run and its own task."""
    run = engine.create_run("", "", "", {}, NOOP_FEDERATION_ID, None, "", TaskType.SERVER_APP)
    return run, engine.get_run_info(run_ids=[run])[0].primary_task_id


def later(*, seconds: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_run_is_under_way_from_its_submission_to_its_end(engine, tmp_path) -> None:
    for sub_status in ("completed", "failed", "stopped"):
        run, task = submitted(engine)
        assert is_under_way(database(tmp_path), run, now=later())
        assert engine.claim_task(task)
        assert engine.activate_task(task)
        assert is_under_way(database(tmp_path), run, now=later())
        assert engine.finish_task(task, sub_status, "")
        assert not is_under_way(database(tmp_path), run, now=later())


def test_a_run_whose_process_has_not_said_in_time_that_it_lives_is_not(engine, tmp_path) -> None:
    run, task = submitted(engine)
    engine.claim_task(task)
    engine.activate_task(task)
    assert not is_under_way(database(tmp_path), run, now=later(seconds=3600))


def test_finds_runs_by_numbers_of_64_bits(engine, tmp_path) -> None:
    runs = [submitted(engine)[0] for _ in range(20)]
    assert max(runs) >= 2**63
    assert all(is_under_way(database(tmp_path), run, now=later()) for run in runs)
    assert not is_under_way(database(tmp_path), max(runs) ^ 1, now=later())


def test_finds_no_sign_where_there_is_no_database_or_one_of_other_tables(engine, tmp_path) -> None:
    run, _ = submitted(engine)
    assert not is_under_way(tmp_path / "none.db", run, now=later())
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "noise.db").write_bytes(b"noise" * 1000)
    assert not is_under_way(tmp_path / "noise.db", run, now=later())
    with closing(sqlite3.connect(database(tmp_path))) as opened:
        opened.execute("ALTER TABLE task RENAME COLUMN active_until TO alive_until")
    assert not is_under_way(database(tmp_path), run, now=later())


def test_tells_who_never_came_who_is_there_since_when_and_who_went(engine, tmp_path) -> None:
    nodes = [engine.create_node("owner", "owner", f"key {name}".encode(), 30.0) for name in "abcde"]
    for node in nodes[1:]:
        engine.activate_node(node, 30.0)
    engine.deactivate_node(nodes[2])
    engine.delete_node("owner", nodes[3])
    found = node_states(database(tmp_path), now=later())
    assert [found[node].state for node in nodes] == ["registered", "online", "offline", "unregistered", "online"]
    assert found[nodes[0]].since is None
    assert all(abs((found[node].since - later()).total_seconds()) < 60 for node in nodes[1:3])
    silent = node_states(database(tmp_path), now=later(seconds=3600))[nodes[1]]
    assert silent.state == "offline"
    assert isinstance(silent, NodeState)


def test_tells_no_states_where_there_is_no_database_or_one_of_another_form(tmp_path) -> None:
    assert node_states(tmp_path / "none.db", now=later()) is None
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE node (node_id, status, last_activated_at, last_deactivated_at, online_until)")
        other.execute("INSERT INTO node VALUES (1, 'asleep', NULL, NULL, NULL)")
        other.commit()
    assert node_states(tmp_path / "other.db", now=later()) is None
