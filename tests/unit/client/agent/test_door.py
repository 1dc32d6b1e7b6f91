"""What keeps an agent out is named before it starts: name, port, TLS, certificate, clock; real sockets on loopback."""

import socket
import threading
from datetime import timedelta

import pytest

from client.agent.door import Door
from client.agent.finding import Finding
from server.coordinator.certificates import new_authority
from shared.system.free_port import free_port
from shared.system.host import Endpoint
from tests.unit.client.agent.doors import NOW, opened


def test_finds_nothing_wrong_with_a_coordinators_door(tmp_path) -> None:
    with opened(tmp_path) as made:
        assert made.door().look() is None
        assert made.door("127.0.0.1").look() is None


@pytest.mark.parametrize(
    ("behind", "found"),
    [(0, None), (-290, None), (3, None), (60, "clock"), (-320, "clock")],
    ids=["same", "behind by little", "ahead by little", "ahead", "behind"],
)
def test_a_clock_that_is_refused_is_named(tmp_path, behind, found) -> None:
    with opened(tmp_path, behind=behind) as made:
        finding = made.door().look()
    assert (finding.cause if finding else None) == found
    assert finding is None or ("ahead of" in finding.why) == (behind > 0)
    assert finding is None or not finding.lasting


def test_a_name_that_is_not_known_and_a_port_where_nobody_listens_may_come_right() -> None:
    authority = new_authority(NOW).certificate
    unknown = Door(server=Endpoint("shops.invalid", 9443), authority=authority).look()
    assert (unknown.cause, unknown.lasting) == ("name-unknown", False)
    assert "shops.invalid" in unknown.why
    closed = Door(server=Endpoint("localhost", free_port()), authority=authority).look()
    assert (closed.cause, closed.lasting) == ("server-unreachable", False)


def test_who_never_answers_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr("client.agent.door.SECONDS", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        door = Door(server=Endpoint("127.0.0.1", silent.getsockname()[1]), authority=new_authority(NOW).certificate)
        finding = door.look()
    assert (finding.cause, finding.lasting) == ("server-unreachable", False)


def test_a_certificate_for_another_name_or_of_another_authority_can_never_work(tmp_path) -> None:
    with opened(tmp_path, host="127.0.0.2") as made:
        other_name = made.door("127.0.0.2").look()
        other_authority = made.door("127.0.0.2", authority=new_authority(NOW).certificate).look()
    assert (other_name.cause, other_name.lasting) == ("certificate", True)
    assert "for other names than 127.0.0.2" in other_name.why
    assert (other_authority.cause, other_authority.lasting) == ("certificate", True)
    assert "not signed by this authority" in other_authority.why


def test_a_certificate_that_has_expired_is_renewed_there(tmp_path) -> None:
    with opened(tmp_path, age=timedelta(days=400)) as made:
        finding = made.door().look()
    assert (finding.cause, finding.lasting) == ("certificate", False)
    assert "has expired" in finding.why
    assert "certificate renew" in finding.do


@pytest.mark.parametrize(
    ("status", "cause", "lasting"),
    [(503, "server-starting", False), (404, "no-coordinator", True), (302, "no-coordinator", True)],
)
def test_what_answers_otherwise_is_starting_or_no_coordinator(tmp_path, status, cause, lasting) -> None:
    with opened(tmp_path, status=status) as made:
        finding = made.door().look()
    assert (finding.cause, finding.lasting) == (cause, lasting)


def found_where(answer: bytes) -> Finding:
    """What is found where one listens who reads the first bytes, answers so, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answers() -> None:
            other, _ = listening.accept()
            with other:
                other.recv(4096)
                other.sendall(answer)

        thread = threading.Thread(target=answers)
        thread.start()
        server = Endpoint("127.0.0.1", listening.getsockname()[1])
        finding = Door(server=server, authority=new_authority(NOW).certificate).look()
        thread.join()
    return finding


def test_a_port_that_speaks_no_tls_is_no_coordinators() -> None:
    finding = found_where(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert (finding.cause, finding.lasting) == ("no-coordinator", True)


def test_one_that_closes_before_tls_is_agreed_on_may_have_no_room_now() -> None:
    finding = found_where(b"")
    assert (finding.cause, finding.lasting) == ("server-unreachable", False)
    assert "closed before TLS was agreed on" in finding.why


def test_where_an_address_is_changed_is_said_with_it() -> None:
    authority, where = new_authority(NOW).certificate, "server in the agent's settings.toml"
    assert where in found_where(b"HTTP/1.1 400 Bad Request\r\n\r\n").do
    assert where in Door(server=Endpoint("localhost", free_port()), authority=authority).look().do
    assert where in Door(server=Endpoint("shops.invalid", 9443), authority=authority).look().do
    way = Door(server=Endpoint("localhost", 9443), authority=authority, http_proxy="http://way.invalid:3128")
    assert "http-proxy in the agent's settings.toml" in way.look().do


def test_goes_through_the_way_out_of_the_network() -> None:
    way = f"http://127.0.0.1:{free_port()}"
    door = Door(server=Endpoint("shops.invalid", 9443), authority=new_authority(NOW).certificate, http_proxy=way)
    assert door.look().cause == "server-unreachable"
