"""The coordinator's door, as the supervisor starts it: slow senders shut nobody out and are given up."""

import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx
import pytest

from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.free_port import free_port
from tests.federation_world import START

PATH = "/v1/fleet/pull-messages"


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """Its port, and what trusts it; no engine is behind it."""
    folder = tmp_path_factory.mktemp("door")
    save_encoder(folder / "start.safetensors", START, EncoderCard())
    settings = ServerSettings(
        host="127.0.0.1",
        port=free_port(),
        connections=40,
        address_connections=30,
        header_seconds=5,
        idle_seconds=0.5,
        requests_per_second=1000,
    )
    home = make_coordinator(folder / "server", folder / "start.safetensors", settings, now=datetime.now(UTC)).home
    command = [sys.executable, "-m", "server.proxy", str(home.folder), str(free_port())]
    with subprocess.Popen(command, stderr=(folder / "log").open("wb")) as process:
        try:
            until_it_listens(settings.port)
            yield settings.port, ssl.create_default_context(cafile=str(home.authority)), folder / "log"
        finally:
            process.terminate()


def until_it_listens(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def connected(port, address):
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(address, 0))


@pytest.mark.parametrize("begun", ["", "\x16\x03\x01", "in TLS"])
def test_slow_senders_of_one_address_shut_out_neither_others_nor_their_own(door, begun):
    port, trusting, _ = door
    slow = [connected(port, "127.0.0.2") for _ in range(30)]
    if begun == "in TLS":
        slow = [trusting.wrap_socket(one, server_hostname="127.0.0.1") for one in slow]
        begun = f"POST {PATH} HTTP/1.1\r\nHost: "
    for one in slow:
        one.sendall(begun.encode("latin-1"))
    time.sleep(0.6)
    beyond = [connected(port, "127.0.0.2") for _ in range(20)]
    time.sleep(0.6)
    for address in ("127.0.0.1", "127.0.0.2"):
        transport = httpx.HTTPTransport(verify=trusting, local_address=address)
        with httpx.Client(transport=transport, timeout=10) as honest:
            answer = honest.post(f"https://127.0.0.1:{port}{PATH}", content=b"x" * 300_000)
        assert (answer.status_code, answer.text) == (503, "the coordinator is starting")
    for one in (*slow, *beyond):
        one.close()
    time.sleep(0.1)


def test_a_body_that_hardly_comes_is_answered_and_given_up(door):
    port, trusting, log = door
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with trusting.wrap_socket(connected(port, "127.0.0.1"), server_hostname="127.0.0.1") as slow:
        slow.sendall(head.encode() + b"x")
        said = slow.recv(1000)
    assert said.split()[1] in {b"408", b"503"}
    assert b"Traceback" not in log.read_bytes()
