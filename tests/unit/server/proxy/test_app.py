"""What passes the proxy and what does not, before an engine that would answer everything."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from server.proxy.app import ADDRESSES, Proxy, RateLimit
from server.proxy.release_door import ReleaseDoor
from shared.system.door_limits import DoorLimits
from shared.system.doorkeeper import origin_of


class Engine:
    """Notes what reached it, and answers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes, dict[str, str]]] = []

    async def __call__(self, scope, receive, send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.seen.append((request.method, request.url.path, body, dict(request.headers)))
        answer = Response(b"from the engine", 418, {"content-type": "application/x-protobuf", "connection": "close"})
        await answer(scope, receive, send)


class Unreachable(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        raise httpx.ConnectError("refused", request=request)


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


def ask(
    method,
    path,
    *,
    engine,
    per_second=1000.0,
    body_bytes=1000,
    times=1,
    headers=None,
    chunks=(b"",),
    slow=False,
    releases=Path("/nowhere"),
) -> Answer:
    """The last answer of as many equal requests; the path as it comes over the wire, which no client would tidy."""
    transport = engine if isinstance(engine, httpx.AsyncBaseTransport) else httpx.ASGITransport(app=engine)
    upstream = httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1:1")
    app = Proxy(
        engine=upstream,
        limit=RateLimit(per_second),
        body_bytes=body_bytes,
        now=lambda: 0.0,
        releases=ReleaseDoor(releases),
        arrival=DoorLimits(idle_seconds=0.01),
    ).app()
    raw_path, _, query = path.encode().partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "root_path": "",
        "method": method,
        "path": unquote_to_bytes(raw_path).decode(),
        "raw_path": raw_path,
        "query_string": query,
        "client": ("10.0.0.7", 1),
        "server": ("door", 443),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }

    async def asked() -> Answer:
        answer = Answer()
        for _ in range(times):
            waiting = [
                {"type": "http.request", "body": chunk, "more_body": slow or place + 1 < len(chunks)}
                for place, chunk in enumerate(chunks)
            ]
            answer = Answer()

            async def receive(waiting=waiting):
                return waiting.pop(0) if waiting else await asyncio.Event().wait()

            async def send(message, answer=answer):
                if message["type"] == "http.response.start":
                    answer.status = message["status"]
                    answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
                answer.content += message.get("body", b"")

            await app(dict(scope), receive, send)
        return answer

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/fleet/pull-messages"), ("POST", "/v1/fleet/activate-node"), ("GET", "/health")]
)
def test_lets_fleet_paths_and_health_through_unchanged(method, path) -> None:
    engine = Engine()
    body = b"\0body" if method == "POST" else b""
    headers = {"flwr-signature": "s", "x-forwarded-for": "1.2.3.4"}
    answer = ask(method, path, engine=engine, headers=headers, chunks=(body[:2], body[2:]))
    assert (answer.status, answer.content) == (418, b"from the engine")
    assert answer.headers["content-type"] == "application/x-protobuf"
    ((found_method, found_path, found_body, headers),) = engine.seen
    assert (found_method, found_path, found_body) == (method, path, body)
    assert headers["flwr-signature"] == "s"
    assert "x-forwarded-for" not in headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/control/start-run"),
        ("POST", "/v1/control/register-node"),
        ("POST", "/v1/runtime/acquire-task"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/fleet/pull-messages"),
        ("POST", "/health"),
        ("POST", "/v1/fleet/"),
        ("POST", "/v1/fleet/../control/start-run"),
        ("POST", "/v1/fleet/%2e%2e/control/start-run"),
        ("POST", "/v1/fleet/..%2fcontrol%2fstart-run"),
        ("POST", "//v1/fleet/pull-messages"),
        ("POST", "/v1/fleet//pull-messages"),
        ("POST", "/v1/fleet/pull-messages/"),
        ("POST", "/v1/fleet/pull-messages;x"),
        ("POST", "/V1/FLEET/pull-messages"),
        ("POST", "/v1/fleet/pull-messages?x=1"),
        ("GET", "/health/../docs"),
        ("CONNECT", "/v1/fleet/pull-messages"),
        ("GET", "/"),
    ],
)
def test_answers_everything_else_itself(method, path) -> None:
    engine = Engine()
    answer = ask(method, path, engine=engine)
    assert answer.status == 404
    assert engine.seen == []


def test_refuses_too_large_a_body_by_what_is_said_and_by_what_comes() -> None:
    engine = Engine()
    assert ask("POST", "/v1/fleet/push-object", engine=engine, headers={"content-length": "1001"}).status == 413
    assert ask("POST", "/v1/fleet/push-object", engine=engine, chunks=[b"x" * 100] * 11).status == 413
    assert engine.seen == []
    assert ask("POST", "/v1/fleet/push-object", engine=engine, chunks=[b"x" * 1000]).status == 418


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "9" * 5000])
def test_refuses_a_length_that_is_none(length) -> None:
    answer = ask("POST", "/v1/fleet/push-object", engine=Engine(), headers={"content-length": length})
    assert answer.status == 413


def test_refuses_who_asks_too_often() -> None:
    engine = Engine()
    answer = ask("POST", "/v1/fleet/pull-messages", engine=engine, per_second=2.0, times=9)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert len(engine.seen) == 8


def test_gives_up_a_body_that_does_not_go_on() -> None:
    answer = ask("POST", "/v1/fleet/push-object", engine=Engine(), chunks=[b"x"], slow=True)
    assert (answer.status, answer.content) == (408, b"the body arrives too slowly")


def test_an_ipv6_network_has_one_rate() -> None:
    limit = RateLimit(0.25)
    assert limit.takes(origin_of("2001:db8::1"), 0.0)
    assert not limit.takes(origin_of("2001:db8::2"), 0.0)


def test_says_that_it_is_starting_while_the_engine_does_not_answer() -> None:
    answer = ask("POST", "/v1/fleet/pull-messages", engine=Unreachable())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_logs_address_path_and_outcome_and_no_header(caplog) -> None:
    with caplog.at_level(logging.INFO, logger="graft.proxy"):
        ask("POST", "/v1/fleet/pull-messages", engine=Engine(), headers={"flwr-signature": "s3cret"}, chunks=(b"b0dy",))
        ask("GET", "/\r\nforged \x1b[31m", engine=Engine())
    assert "10.0.0.7 POST /v1/fleet/pull-messages 418" in caplog.text
    assert "s3cret" not in caplog.text
    assert "b0dy" not in caplog.text
    assert all("\n" not in record.getMessage() and "\x1b" not in record.getMessage() for record in caplog.records)


def test_a_rate_is_counted_by_address_and_grows_with_time() -> None:
    limit = RateLimit(2.0)
    assert [limit.takes("a", 0.0) for _ in range(9)] == [True] * 8 + [False]
    assert limit.takes("b", 0.0)
    assert [limit.takes("a", 1.0) for _ in range(3)] == [True, True, False]


def test_remembers_no_more_addresses_than_it_may() -> None:
    limit = RateLimit(0.25)
    assert limit.takes("a", 0.0)
    assert not limit.takes("a", 0.0)
    for number in range(ADDRESSES):
        limit.takes(str(number), 0.0)
    assert limit.takes("a", 0.0)
