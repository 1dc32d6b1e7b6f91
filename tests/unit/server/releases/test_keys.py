import shutil
from pathlib import Path

import pytest
from tuf.api.exceptions import UnsignedMetadataError

from server.releases.freshness import refresh
from server.releases.key_plan import KeyPlan
from server.releases.keys import KeyFolders
from server.releases.publishing import roll_back
from server.releases.rotation import ROTATED, rotate
from server.releases.verification import verify
from shared.errors import ConfigError
from tests.unit.server.releases.release_world import DAY, NOW, Client, ReleaseWorld

PLAN = KeyPlan(root_keys=3, root_threshold=2, targets_keys=2, targets_threshold=2)


@pytest.fixture
def stick(tmp_path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.fixture
def world(tmp_path, stick) -> ReleaseWorld:
    """Of which root's and the list's keys lie on a stick."""
    world = ReleaseWorld(tmp_path / "coordinator", stick)
    world.new_encoder()
    world.publish(plan=PLAN)
    for path in [*world.home.release_keys.glob("root-*"), *world.home.release_keys.glob("targets-*")]:
        shutil.move(path, stick / path.name)
    return world


@pytest.fixture
def client(tmp_path, world) -> Client:
    return Client(tmp_path / "client", world.repository, world.root())


def test_a_threshold_of_keys_signs(world, client, stick):
    """Two of root's three are enough; of the list's two, both must."""
    next(stick.glob("root-*")).unlink()
    assert world.release().manifest.version == 2
    assert rotate(world.signing(), "timestamp").threshold == 1
    assert client.newest() == 2
    missing = next(stick.glob("targets-*"))
    missing.unlink()
    world.new_encoder()
    with pytest.raises(ConfigError, match=f"expected 2 of the 2 keys of targets; found 1 in .*without {missing.name}"):
        world.publish()
    with pytest.raises(ConfigError, match="keys of targets; found 1"):
        roll_back(world.signing(), 1)
    assert client.newest() == 2


def test_root_needs_its_threshold(world, client, stick):
    for path in list(stick.glob("root-*"))[:2]:
        path.unlink()
    with pytest.raises(ConfigError, match="expected 2 of the 3 keys of root; found 1"):
        rotate(world.signing(), "timestamp")
    with pytest.raises(ConfigError, match="expected 2 of the 3 keys of root; found 1"):
        rotate(world.signing(), "root")


def test_one_key_below_the_threshold_publishes_nothing(world, client, stick, monkeypatch):
    """Whoever has stolen one of the list's two keys, and all that lie on the coordinator, is not believed."""
    world.new_encoder()
    stolen = next(stick.glob("targets-*"))
    stolen.unlink()
    have = KeyFolders.have
    monkeypatch.setattr(KeyFolders, "require", lambda keys, _role, ids, _threshold: have(keys, ids))
    world.publish()
    with pytest.raises(UnsignedMetadataError, match="targets was signed by 1/2 keys"):
        client.newest()


@pytest.mark.parametrize("role", ROTATED)
def test_new_keys_count_and_those_of_before_do_not(world, client, stick, role):
    before = {path.name: path.read_bytes() for path in [*stick.iterdir(), *world.home.release_keys.iterdir()]}
    named = [name for name in before if name.startswith(role)]
    rotated = rotate(world.signing(), role)
    assert sorted(path.name for path in rotated.removed) == sorted(named)
    assert len(rotated.keys) == len(named)
    assert not [path for path in (*stick.iterdir(), *world.home.release_keys.iterdir()) if path.name in named]
    world.release()
    assert client.newest() == 2
    verify(world.repository, NOW)
    for path in (path for path in world.home.release_keys.iterdir() if path.name.startswith(role)):
        path.unlink()
    for name in named:
        (world.home.release_keys / name).write_bytes(before[name])
    if role == "snapshot":  # one file less: the timestamp's new word needs no snapshot's key
        with pytest.raises(ConfigError, match="keys of snapshot; found 0"):
            rotate(world.signing(), role)
    else:
        with pytest.raises(ConfigError, match=f"keys of {role}; found 0"):
            rotate(world.signing(), role) if role != "statement" else world.release()


def test_lost_keys_are_replaced_by_roots_word(world, client, stick):
    for path in stick.glob("targets-*"):
        path.unlink()
    with pytest.raises(ConfigError, match="expected 2 of the 2 keys of targets; found 0"):
        rotate(world.signing(), "targets")
    rotate(world.signing(), "targets", lost=True)
    assert client.newest() == 1
    with pytest.raises(ConfigError, match="only root's own keys vouch for new ones"):
        rotate(world.signing(), "root", lost=True)


def test_numbers_change_with_a_rotation(world, client):
    rotated = rotate(world.signing(), "targets", keys=3, threshold=1)
    assert (len(rotated.keys), rotated.threshold) == (3, 1)
    assert rotate(world.signing(), "targets").threshold == 1
    with pytest.raises(ConfigError, match="threshold must be at most the 3 keys of targets; got 4"):
        rotate(world.signing(), "targets", threshold=4)
    with pytest.raises(ConfigError, match="statements have one key"):
        rotate(world.signing(), "statement", keys=2)
    with pytest.raises(
        ConfigError, match="ROLE must be one of root, targets, snapshot, timestamp, statement; got 'all'"
    ):
        rotate(world.signing(), "all")
    assert client.newest() == 1


def test_a_platform_follows_many_roots(world, client):
    for _ in range(5):
        rotate(world.signing(), "root")
    assert client.newest() == 1


def test_what_keys_off_line_sign_waits_for_them(world, client, stick, tmp_path):
    """Snapshot and timestamp are signed anew by the keys that are here; the list of releases is named as due."""
    moved = tmp_path / "elsewhere"
    stick.rename(moved)
    stick.mkdir()
    alone = world.signing(NOW + 50 * DAY)
    refreshed = refresh(alone)
    assert refreshed.renewed == ("snapshot", "timestamp")
    assert refreshed.waiting == {"targets": NOW + 90 * DAY}
    assert client.newest(NOW + 50 * DAY) == 1
    stick.rmdir()
    moved.rename(stick)
    assert refresh(world.signing(NOW + 50 * DAY)).renewed == ("targets",)


def test_a_file_that_is_no_key_is_named(world, stick):
    (stick / "odd.pem").write_text("no key")
    with pytest.raises(ConfigError, match=r"odd\.pem: expected an Ed25519 key as PEM without a password"):
        world.signing()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none: expected a folder with keys; found none"):
        KeyFolders([tmp_path, tmp_path / "none"])


def test_a_plan_needs_as_many_keys_as_must_sign():
    with pytest.raises(ConfigError, match="root-threshold must be at most root-keys, 1; got 2"):
        KeyPlan(root_threshold=2)
