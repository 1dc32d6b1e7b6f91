"""A coordinator publishes, rolls back, gives itself new keys and prunes; a platform follows."""

import shutil

import pytest

from client.agent.home import AgentHome
from client.api.releases import roll_back
from client.releases.installed import read_installed
from client.releases.place import ReleasesPlace
from server.coordinator.run_book import Run
from server.releases.freshness import refresh
from server.releases.publishing import publish
from server.releases.publishing import roll_back as publish_earlier
from server.releases.rotation import rotate
from server.releases.tidying import prune
from shared.system.utc_clock import utc_now
from tests.integration.release_shop import Encoders, make_shop, updated_from, write_encoders
from tests.unit.server.releases.release_world import ReleaseWorld, judged, left_by


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> Encoders:
    return write_encoders(tmp_path_factory.mktemp("encoders"))


class Coordinator(ReleaseWorld):
    """Its clock is the real one, which platforms have too."""

    def left(self, encoder) -> Run:
        shutil.copyfile(encoder, self.home.encoder)
        return left_by(self.home, *judged())

    def published(self, encoder) -> int:
        self.left(encoder)
        return publish(self.home, self.signing(utc_now())).manifest.version


def followed(home: AgentHome, coordinator: Coordinator) -> int:
    """Which release is installed after an update."""
    updated_from(home, coordinator.repository.folder)
    return read_installed(ReleasesPlace(home.releases).installed).current


def test_a_platform_follows_its_coordinator(tmp_path, encoders) -> None:
    coordinator, home = Coordinator(tmp_path / "coordinator"), make_shop(tmp_path)
    assert coordinator.published(encoders.weak) == 1
    ReleasesPlace(home.releases).pin(coordinator.root())
    assert followed(home, coordinator) == 1
    assert coordinator.published(encoders.good) == 2
    for role in ("targets", "timestamp", "snapshot", "root", "statement"):
        rotate(coordinator.signing(utc_now()), role)
    assert followed(home, coordinator) == 2
    publish_earlier(coordinator.signing(utc_now()))
    assert followed(home, coordinator) == 3
    assert (home.releases / "3" / "encoder.safetensors").read_bytes() == encoders.weak.read_bytes()
    prune(coordinator.signing(utc_now()), 2)
    refresh(coordinator.signing(utc_now()))
    assert updated_from(home, coordinator.repository.folder).done == "current"
    assert roll_back(home.folder).current == 2
    assert updated_from(home, coordinator.repository.folder).done == "refused before"
