from datetime import datetime, timedelta

import pytest
from tuf.api.exceptions import ExpiredMetadataError

from server.releases.freshness import LOOK_SECONDS, ReleaseKeeper, due, refresh
from shared.errors import ConfigError, ReleaseRefused
from tests.unit.server.releases.release_world import DAY, NOW, SETTINGS, Client, ReleaseWorld


@pytest.fixture
def world(tmp_path) -> ReleaseWorld:
    world = ReleaseWorld(tmp_path / "coordinator")
    world.release()
    return world


@pytest.mark.parametrize(
    ("days", "roles"),
    [
        (0.4, []),
        (0.6, ["timestamp"]),
        (4, ["snapshot", "timestamp"]),
        (46, ["targets", "snapshot", "timestamp"]),
        (400, ["root", "targets", "snapshot", "timestamp"]),
    ],
)
def test_what_is_within_half_of_its_life_is_signed_anew(world, tmp_path, days, roles):
    """Even what has expired long ago."""
    now = NOW + days * DAY
    assert due(world.repository.chain(), world.signing(now)) == roles
    assert refresh(world.signing(now)).renewed == tuple(roles)
    assert due(world.repository.chain(), world.signing(now)) == []
    assert Client(tmp_path / "client", world.repository, world.root()).newest(now) == 1


def test_a_platform_refuses_what_nobody_signed_anew(world, tmp_path):
    client = Client(tmp_path / "client", world.repository, world.root())
    assert client.newest(NOW + 0.9 * DAY) == 1
    with pytest.raises(ExpiredMetadataError, match=r"timestamp\.json is expired"):
        client.newest(NOW + 1.1 * DAY)
    refresh(world.signing(NOW + 1.1 * DAY))
    assert client.newest(NOW + 1.1 * DAY) == 1


def test_a_missing_key_is_named(world):
    next(world.home.release_keys.glob("timestamp-*")).unlink()
    with pytest.raises(ConfigError, match="expected 1 of the 1 keys of timestamp; found 0"):
        refresh(world.signing(NOW + DAY))


def test_old_lists_do_not_pile_up(world):
    now = NOW
    for _ in range(6):
        now += 4 * DAY
        refresh(world.signing(now))
    names = sorted(path.name for path in world.repository.metadata.iterdir())
    assert names == sorted(
        [
            "1.root.json",
            "root.json",
            "timestamp.json",
            "1.targets.json",
            "2.targets.json",
            "7.snapshot.json",
            "8.snapshot.json",
        ]
    )


class Clock:
    """Says the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_running_coordinator_keeps_releases_fresh(world, tmp_path, caplog):
    """For a month it looks again and again; at no moment does a platform find something that has expired."""
    clock, client = Clock(), Client(tmp_path / "client", world.repository, world.root())
    keeper = ReleaseKeeper(home=world.home, settings=SETTINGS, now=clock)
    with caplog.at_level("INFO"):
        for _ in range(60):
            clock.now += DAY / 2
            keeper.look()
            assert client.newest(clock.now) == 1
    assert caplog.text.count("signed anew: timestamp") > 20


def test_it_looks_once_a_minute(world):
    clock = Clock()
    keeper = ReleaseKeeper(home=world.home, settings=SETTINGS, now=clock)
    keeper.look()
    (world.repository.metadata / "timestamp.json").write_bytes(b"damaged")
    clock.now += timedelta(seconds=LOOK_SECONDS - 1)
    keeper.look()
    clock.now += timedelta(seconds=1)
    with pytest.raises(ReleaseRefused, match=r"timestamp\.json: expected metadata of TUF"):
        keeper.look()


def test_it_says_once_what_waits_for_its_keys(world, caplog):
    next(world.home.release_keys.glob("targets-*")).unlink()
    clock = Clock()
    keeper = ReleaseKeeper(home=world.home, settings=SETTINGS, now=clock)
    for _ in range(4):
        clock.now += 50 * DAY if clock.now == NOW else DAY
        keeper.look()
    assert caplog.text.count("targets expires on 2026-05-30, and its keys are not here") == 1


def test_it_has_nothing_to_do_without_a_release(tmp_path):
    world = ReleaseWorld(tmp_path / "coordinator")
    ReleaseKeeper(home=world.home, settings=SETTINGS, now=Clock()).look()
    assert not world.home.releases.exists()
