"""Flower's own SuperNode, admitted once and then met by a door that closes before TLS is agreed on."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import parse_headers
from pathlib import Path

import pytest
from flwr.proto.fleet_pb2 import ActivateNodeResponse

from client.agent.connection import CONNECTED
from client.agent.home import AgentHome, AgentSettings
from client.agent.new_agent import make_agent
from client.agent.programs import agent_programs, write_node_config
from client.agent.supernode import GAVE_UP
from server.coordinator.certificates import new_authority, server_certificate
from tests.integration.engine import free_port

pytestmark = pytest.mark.engine


@contextmanager
def admits_once(folder: Path) -> Iterator[int]:
    """A coordinator's door that admits whoever comes first, and closes on everybody after; its port."""
    authority = new_authority(datetime.now(UTC))
    issued = server_certificate(authority, ("localhost",), datetime.now(UTC))
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "server.pem").write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    body = ActivateNodeResponse(node_id=7).SerializeToString()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"

    def serve() -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True) as first:
            asked = first.makefile("rb")
            asked.readline()
            asked.read(int(parse_headers(asked)["Content-Length"]))
            first.sendall(head % len(body) + body)
        while True:
            with listening.accept()[0] as later:
                later.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def ready(folder: Path, port: int) -> tuple[AgentHome, AgentSettings]:
    """An agent's folder with all that its SuperNode reads."""
    settings = AgentSettings(server=f"localhost:{port}", name="north", data=str(folder))
    home = make_agent(folder / "agent", settings, folder / "ca.crt")
    home.state.mkdir(exist_ok=True)
    home.secret.write_text("0" * 64)
    write_node_config(home, settings)
    return home, settings


def test_ends_with_a_code_of_its_own_and_every_line_of_its_log_has_a_time(tmp_path) -> None:
    with admits_once(tmp_path) as port:
        home, settings = ready(tmp_path, port)
        program = agent_programs(home, settings, free_port())[0]
        done = subprocess.run(
            program.command,
            cwd=program.folder,
            env=dict(program.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == GAVE_UP, done.stdout
    lines = done.stdout.splitlines()
    for said in (CONNECTED[0], "SSL/TLS handshake error detected."):
        assert any(said in line for line in lines), lines
    assert all(line.split()[1].startswith("20") for line in lines), lines
