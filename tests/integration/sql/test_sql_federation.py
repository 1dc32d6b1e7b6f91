"""Federated rounds over a platform whose data come from a database: the same app, task by task."""

from dataclasses import replace
from pathlib import Path

import pytest

from client.rounds.own_draws import OWN_DRAWS
from client.rounds.workspace import NodeSettings
from client.store.head_store import HeadStore
from client.store.records import PlainFolder
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.federation.config import LocalSettings, RoundsConfig
from simulations.federation.held_federation import run_federation
from tests.integration.engine_world import write_platform
from tests.integration.sql.sqlite_platform import into_sqlite
from tests.small_space import FEATURES, SPACE
from tests.unit.client.data.sql.shop import change

CONFIG = RoundsConfig(rounds=1, evaluate_every=1, min_platforms=2, local=LocalSettings(tokens=512, steps=2))


@pytest.fixture
def platforms(tmp_path):
    """North in a folder, south in a database."""
    for seed, name in enumerate(("north", "south")):
        write_platform(tmp_path / name, seed=seed)
    paths = {"north": tmp_path / "north", "south": into_sqlite(tmp_path / "south")}
    return {
        name: NodeSettings(platform=f"{name}={path}", features=FEATURES, heads=str(tmp_path / "heads" / name))
        for name, path in paths.items()
    }


def federate(platforms, folder):
    start = Encoder.initial(EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE), seed=1)
    return run_federation(platforms, start, CONFIG, folder=folder)


def test_a_database_takes_part_and_the_next_run_learns_from_its_new_events(platforms, tmp_path) -> None:
    first = federate(platforms, tmp_path / "first")
    assert [entry["platforms"] for entry in first.history] == [["north", "south"]] * len(first.history)
    again = federate({name: _other_heads(one) for name, one in platforms.items()}, tmp_path / "again")
    assert again.encoder.flat.tobytes() == first.encoder.flat.tobytes()
    bought = [(200 + row // 4, row % 9, row) for row in range(80)]
    change(tmp_path / "south", "INSERT INTO events VALUES (?, ?, ?)", bought)
    names = set(PlainFolder(tmp_path / "heads" / "south").names())
    grown = federate(platforms, tmp_path / "grown")
    assert grown.encoder.flat.tobytes() != first.encoder.flat.tobytes()
    kept = set(PlainFolder(tmp_path / "heads" / "south").names())
    assert len({name for name in names & kept if name.startswith("sql-part-")}) >= 7  # parts of 100 of 750 events stay


def _other_heads(settings: NodeSettings) -> NodeSettings:
    """Nothing in them but what it draws from."""
    other, secret = f"{settings.heads}-again", HeadStore(Path(settings.heads)).read(OWN_DRAWS)
    assert secret is not None
    HeadStore(Path(other)).write(OWN_DRAWS, secret)
    return replace(settings, heads=other)
