"""Connections are counted from before TLS; whoever sends slowly makes room for who does not."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import uvicorn

from shared.system.door_limits import DoorLimits
from shared.system.doorkeeper import LOOP, Doorkeeper, guarded, origin_of


def places(keeper, *origins):
    closed = []
    return [
        keeper.enters(origin, lambda place=place: closed.append(place)) for place, origin in enumerate(origins)
    ], closed


def test_an_address_makes_room_among_its_own_connections_alone():
    keeper = Doorkeeper(DoorLimits(connections=10), 2, ticking())
    (first, second, other, third), closed = places(keeper, "a", "a", "b", "a")
    assert (closed, first in keeper_places(keeper)) == ([0], False)
    assert {second, other, third} == set(keeper_places(keeper))


def test_a_full_door_closes_who_waits_longest_and_nobody_with_a_request_under_way():
    keeper = Doorkeeper(DoorLimits(connections=2), clock=ticking())
    (first, second), closed = places(keeper, "a", "b")
    first.idle = False
    keeper.enters("c", lambda: None).idle = False
    assert (closed, keeper_places(keeper)[0]) == ([1], first)
    assert keeper.enters("d", lambda: None) is None
    keeper.leaves(first)
    keeper.leaves(first)
    keeper.leaves(second)
    assert keeper.enters("d", lambda: None) is not None


def test_a_flood_from_an_address_ends_none_of_its_connections_that_were_answered():
    keeper = Doorkeeper(DoorLimits(connections=10), 2, ticking())
    (agent, _), closed = places(keeper, "a", "a")
    keeper.was_answered(agent)
    for _ in range(5):
        assert keeper.enters("a", lambda: closed.append("flood")) is not None
    assert closed == [1, *["flood"] * 4]
    assert agent in keeper_places(keeper)


def test_who_was_answered_waits_anew():
    keeper = Doorkeeper(DoorLimits(connections=2), clock=ticking())
    (first, _), closed = places(keeper, "a", "b")
    keeper.was_answered(first)
    keeper.enters("c", lambda: None)
    assert closed == [1]


def ticking():
    """Ten seconds from each look to the next."""
    return map(float, range(0, 10_000, 10)).__next__


def test_who_has_just_come_makes_room_for_nobody():
    now = [0.0]
    keeper = Doorkeeper(DoorLimits(connections=2, header_seconds=10), clock=lambda: now[0])
    (_, _, third), closed = places(keeper, "a", "a", "a")
    assert (third, closed) == (None, [])
    now[0] = 1.0
    assert keeper.enters("a", lambda: None) is not None


def keeper_places(keeper):
    return list(keeper._places)


def test_an_ipv6_network_is_one_origin():
    assert origin_of("2001:db8::1") == origin_of("2001:db8::ffff:1%eth0") != origin_of("2001:db8:0:1::1")
    assert (origin_of("10.0.0.1"), origin_of("unknown")) == ("10.0.0.1", "unknown")


@contextmanager
def served(limits, most_of_one=None):
    """A server that answers each request at once, and its port."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(
        app, log_config=None, lifespan="off", loop=LOOP, ws="none", http=guarded(Doorkeeper(limits, most_of_one), None)
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def asks(port) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as honest:
        honest.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return honest.recv(100)


def test_headers_that_do_not_come_are_given_up():
    with served(DoorLimits(header_seconds=0.1)) as port:
        for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
                slow.sendall(begun)
                said = b""
                while part := slow.recv(1000):
                    said += part
                assert said.startswith(b"HTTP/1.1 408")


def asks_again_until(port, deadline) -> bytes:
    """Who has just come may stay for a moment, so an honest caller may have to come twice."""
    while True:
        with suppress(ConnectionError):
            if answer := asks(port):
                return answer
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_slow_senders_of_one_address_shut_nobody_out():
    header_seconds = 4
    with served(DoorLimits(connections=8, header_seconds=header_seconds)) as port:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
        for one in slow:
            with suppress(ConnectionError):
                one.sendall(b"GET / HTTP/1.1\r\n")
        long_before_they_time_out = time.monotonic() + header_seconds * 3 / 4
        assert [asks_again_until(port, long_before_they_time_out)[:15] for _ in range(3)] == [b"HTTP/1.1 200 OK"] * 3
        for one in slow:
            one.close()
