"""A coordinator publishes, rolls back, gives itself new keys and prunes; a platform follows."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from client.agent.home import AgentHome
from client.api.releases import roll_back
from client.releases.installed import read_installed
from client.releases.place import ReleasesPlace
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run
from server.releases.freshness import refresh
from server.releases.publishing import publish
from server.releases.publishing import roll_back as publish_earlier
from server.releases.rotation import rotate
from server.releases.tidying import prune
from shared.system.free_port import free_port
from shared.system.utc_clock import utc_now
from tests.integration.commands import run
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


def test_by_the_commands_and_the_coordinators_door(tmp_path, encoders) -> None:
    port, coordinator, root = free_port(), tmp_path / "coordinator", tmp_path / "root.json"
    told = ("--host", "127.0.0.1", "--port", port, "--encoder", encoders.weak)
    assert run("graft-server", "init", coordinator, *told).returncode == 0
    assert run("graft-server", "release", "publish", coordinator, "--despite", "a test").returncode == 0
    assert run("graft-server", "release", "root", coordinator, root).returncode == 0
    home = make_shop(tmp_path, server=f"localhost:{port}")
    shutil.copyfile(coordinator / "tls" / "ca.crt", home.authority)
    with door_open(coordinator, port):
        done = run("graft-client", "update", home.folder, "--root", root, "--no-own")
        assert done.returncode == 0, done.stderr
        assert "release 1 is installed; feature beats local" in done.stdout
        shutil.copyfile(encoders.good, ServerHome(coordinator).encoder)
        assert run("graft-server", "release", "publish", coordinator, "--despite", "a test").returncode == 0
        file = next((coordinator / "releases" / "targets").glob("*.encoder-2.safetensors"))
        part = home.releases / "parts" / f"{file.name}.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(file.read_bytes()[:1000])
        done = run("graft-client", "update", home.folder, "--no-own", "--json")
        assert json.loads(done.stdout)["done"] == "installed", done.stderr
        assert (home.releases / "2" / "encoder.safetensors").read_bytes() == encoders.good.read_bytes()
        file.write_bytes(file.read_bytes()[:-1] + b"!")
        done = run("graft-client", "update", home.folder, "--no-own", "--force")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "coordinator: a file is not the one that was signed" in done.stderr


@contextmanager
def door_open(coordinator, port: int) -> Iterator[None]:
    """The coordinator's proxy, with no engine behind it, until the block ends."""
    command = [sys.executable, "-m", "server.proxy", str(coordinator), str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not is_listening(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
