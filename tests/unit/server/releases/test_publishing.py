import json

import pytest

from server.releases.key_plan import KeyPlan
from server.releases.publishing import roll_back
from server.releases.release_files import read_release
from server.releases.verification import verify
from shared.encoder.file import load_encoder
from shared.errors import ConfigError
from tests.unit.server.engine.world import record
from tests.unit.server.releases.release_world import DAY, NOW, Client, ReleaseWorld, judged


@pytest.fixture
def world(tmp_path) -> ReleaseWorld:
    return ReleaseWorld(tmp_path / "coordinator")


@pytest.fixture
def client(tmp_path, world) -> Client:
    """Of a platform that pinned the root of the first release."""
    world.release()
    return Client(tmp_path / "client", world.repository, world.root())


def test_a_release_says_what_it_is(world):
    run = world.new_encoder(*judged(0.11, 0.2, declined={"c": "too-few-users"}))
    manifest = world.publish().manifest
    encoder, card = load_encoder(world.home.encoder)
    assert (manifest.version, manifest.parent, manifest.rolls_back_to, manifest.despite) == (1, None, None, "")
    assert (manifest.accepted, manifest.declined, manifest.licence) == (2, 1, card.licence)
    assert (manifest.preset, manifest.feature_space) == (encoder.spec.preset, encoder.spec.feature_space)
    assert (manifest.created, manifest.expires) == (NOW, NOW + 180 * DAY)
    told = [
        (line.run, line.question, line.round, line.platforms, line.declined, line.level) for line in manifest.rounds
    ]
    assert told == [(run.number, "evaluate", 0, 2, 0, 0.1), (run.number, "evaluate", 2, 2, 1, pytest.approx(0.155))]
    assert (manifest.privacy.mechanism, manifest.privacy.ledgers, manifest.privacy.spent) == ("none", 0, None)
    files = read_release(world.repository, world.repository.chain(), 1)
    assert files.encoder == world.home.encoder.read_bytes()
    assert files.manifest.to_bytes() == manifest.to_bytes()


def test_no_platform_is_named_in_a_release(world):
    line = record("train", 1, ("platform-of-ours",), declined={"another-of-ours": "site-policy"})
    world.new_encoder(line, *judged())
    content = world.publish().manifest.to_bytes()
    assert b"of-ours" not in content
    assert json.loads(content)["round-history"][0] == {
        "run": 1, "question": "train", "round": 1, "platforms": 1, "declined": 1, "level": None,
    }  # fmt: skip


def test_platforms_get_the_newest_release(world, client):
    assert client.newest() == 1
    second = world.release(NOW + DAY / 2).manifest
    assert (second.version, second.parent) == (2, 1)
    assert client.newest(NOW + DAY / 2) == 2


def test_rolling_back_publishes_a_higher_version(world, client):
    first = world.home.encoder.read_bytes()
    world.release()
    back = roll_back(world.signing()).manifest
    assert (back.version, back.parent, back.rolls_back_to) == (3, 2, 1)
    assert client.newest() == 3
    assert read_release(world.repository, world.repository.chain(), 3).encoder == first
    again = roll_back(world.signing(), 2).manifest
    assert (again.version, again.rolls_back_to) == (4, 2)
    assert len(verify(world.repository, NOW).manifests) == 4


def test_rolling_back_names_what_cannot_be(world, client):
    with pytest.raises(ConfigError, match="a release before 1 is not listed; expected one of 1"):
        roll_back(world.signing())
    with pytest.raises(ConfigError, match="release 7 is not listed"):
        roll_back(world.signing(), 7)
    with pytest.raises(ConfigError, match="release 1 has the encoder of release 1: there is nothing to bring back"):
        roll_back(world.signing(), 1)


def test_the_same_encoder_is_published_again_before_its_release_expires(world, client):
    with pytest.raises(
        ConfigError, match="release 1 is this encoder already; it may be published again from 2026-05-30 on"
    ):
        world.publish(NOW + 89 * DAY)
    again = world.publish(NOW + 91 * DAY).manifest
    assert (again.version, again.parent, again.expires) == (2, 1, NOW + (91 + 180) * DAY)
    assert client.newest(NOW + 91 * DAY) == 2


def test_numbers_of_keys_are_for_the_first_release(world, client):
    world.new_encoder()
    with pytest.raises(ConfigError, match="are for the first release; rotate changes them later"):
        world.publish(plan=KeyPlan(root_keys=2))


def test_a_repository_without_its_timestamp_is_not_made_anew(world, client):
    world.release()
    (world.repository.metadata / "timestamp.json").unlink()
    world.new_encoder()
    with pytest.raises(ConfigError, match=r"expected timestamp\.json beside the other metadata"):
        world.publish()


def test_keys_are_for_their_owner_alone(world, client):
    names = sorted(path.name.partition("-")[0] for path in world.home.release_keys.iterdir())
    assert names == ["root", "snapshot", "statement", "targets", "timestamp"]
    assert {path.stat().st_mode & 0o777 for path in world.home.release_keys.iterdir()} == {0o600}
