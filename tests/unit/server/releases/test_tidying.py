import pytest

from server.releases.tidying import prune
from server.releases.verification import verify
from shared.errors import ConfigError
from tests.unit.server.releases.release_world import NOW, Client, ReleaseWorld


@pytest.fixture
def world(tmp_path) -> ReleaseWorld:
    world = ReleaseWorld(tmp_path / "coordinator")
    for _ in range(4):
        world.release()
    return world


def test_the_newest_stay_and_the_files_of_others_go(world, tmp_path):
    client = Client(tmp_path / "client", world.repository, world.root())
    assert client.newest() == 4
    (world.repository.targets / ".0.encoder-9.manifest.json.7.part").write_bytes(b"half")
    assert prune(world.signing(), 2) == [1, 2]
    assert [manifest.version for manifest in verify(world.repository, NOW).manifests] == [3, 4]
    names = [path.name.partition(".")[2] for path in world.repository.targets.iterdir()]
    assert sorted(names) == sorted(
        f"encoder-{version}.{ending}"
        for version in (3, 4)
        for ending in ("safetensors", "manifest.json", "statement.json")
    )
    assert client.newest() == 4
    assert world.release().manifest.version == 5


def test_nothing_is_signed_where_nothing_goes(world):
    before = (world.repository.metadata / "timestamp.json").read_bytes()
    assert prune(world.signing(), 9) == []
    assert (world.repository.metadata / "timestamp.json").read_bytes() == before


def test_one_to_go_back_to_stays(world):
    with pytest.raises(ConfigError, match="keep must be at least 2, the current release and one to go back to; got 1"):
        prune(world.signing(), 1)
