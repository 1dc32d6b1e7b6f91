"""Releases over the coordinator's real door: TLS by its own authority, TUF's own client, ranges, nothing else."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from server.releases.freshness import refresh
from server.releases.opened import opened
from server.releases.publishing import publish, roll_back
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.free_port import free_port
from tests.federation_world import START
from tests.integration.test_slow_senders import until_it_listens
from tests.unit.server.releases.release_world import Client


class TlsFetcher(FetcherInterface):
    """Fetches from the door."""

    def __init__(self, trusting: ssl.SSLContext) -> None:
        self._client = httpx.Client(verify=trusting)

    def _fetch(self, url: str) -> Iterator[bytes]:
        answer = self._client.get(url)
        if answer.status_code != 200:
            raise DownloadHTTPError("refused", answer.status_code)
        yield answer.content


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """Of a coordinator with one release: its folder, its URL, and what trusts it."""
    folder = tmp_path_factory.mktemp("door")
    save_encoder(folder / "start.safetensors", START, EncoderCard())
    settings = ServerSettings(host="127.0.0.1", port=free_port(), requests_per_second=1000)
    home = make_coordinator(folder / "server", folder / "start.safetensors", settings, now=datetime.now(UTC)).home
    publish(home, opened(home, None, datetime.now(UTC)), despite="for a test")
    command = [sys.executable, "-m", "server.proxy", str(home.folder), str(free_port())]
    with subprocess.Popen(command, stderr=(folder / "log").open("wb")) as process:
        try:
            until_it_listens(settings.port)
            url = f"https://127.0.0.1:{settings.port}"
            yield home, url, ssl.create_default_context(cafile=str(home.authority))
        finally:
            process.terminate()


def test_tufs_own_client_takes_each_release_as_it_comes(door, tmp_path):
    home, url, trusting = door
    signing = opened(home, None, datetime.now(UTC))
    root = (signing.repository.metadata / "1.root.json").read_bytes()
    client = Client(tmp_path / "client", signing.repository, root, f"{url}/releases", TlsFetcher(trusting))
    assert client.newest(datetime.now(UTC)) == 1
    save_encoder(home.encoder, START.without_sequence(), EncoderCard())
    publish(home, opened(home, None, datetime.now(UTC)), despite="another")
    assert client.newest(datetime.now(UTC)) == 2
    assert roll_back(opened(home, None, datetime.now(UTC))).manifest.version == 3
    refresh(opened(home, None, datetime.now(UTC)))
    assert client.newest(datetime.now(UTC)) == 3


def test_a_download_that_was_cut_off_goes_on(door):
    home, url, trusting = door
    target = next((home.releases / "targets").glob("*.encoder-1.safetensors"))
    whole, half = target.read_bytes(), target.stat().st_size // 2
    with httpx.Client(verify=trusting) as client:
        rest = client.get(f"{url}/releases/targets/{target.name}", headers={"range": f"bytes={half}-"})
        assert (rest.status_code, rest.content) == (206, whole[half:])
        assert client.get(f"{url}/releases/targets/{target.name}").content == whole
        for path in ("settings.toml", "releases/.lock", "release-keys/", "releases/metadata/9.root.json"):
            assert client.get(f"{url}/{path}").status_code == 404
