"""What is no number, no text, or no JSON is refused in a sentence; whoever has no token is not even read."""

import logging
import socket
import ssl

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client.serving.serve_settings import Limits
from shared.serving_api import recommend_pb2 as api
from tests.integration.serving.loopback import serving, trusting

EVENT = '{"event_id": "e", "user": "u", "item": "1", "kind": "clicked", "time": %s}'


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, limits=Limits(seconds=20)) as (server, caller):
        yield server, caller, folder


@pytest.fixture
def caller(service):
    return service[1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("recommend", b'{"diversity": NaN}'),
        ("recommend", b'{"diversity": -Infinity}'),
        ("recommend", b'{"diversity": 1e999}'),
        ("recommend", b'{"diversity": "nan"}'),
        ("recommend", b'{"k": 1e999}'),
        ("recommend", b'{"k": %s}' % (b"9" * 5000)),
        ("recommend", b'{"k": 100000000000000000000}'),
        ("recommend", b'{"k": true}'),
        ("recommend", b'{"k": 1.5}'),
        ("recommend", b'{"user": "\\ud800"}'),
        ("recommend", b'{"\\udfff": 1}'),
        ("recommend", b'{"session": ["\\ude00\\ud83d"]}'),
        ("recommend", b'{"user": "\xff"}'),
        ("recommend", b"\xff\xfe{\0}\0"),
        ("recommend", b"\xef\xbb\xbf{}"),
        ("recommend", b'{"user": "a", "user": "b"}'),
        ("recommend", b"[" * 100_000),
        ("recommend", b'{"a":' * 100_000),
        ("recommend", b'{"user": "\0"}'),
        ("recommend", b'{"user": {"a": 1}}'),
        ("recommend", b"[]"),
        ("recommend", b"null"),
        ("recommend", b"{"),
        ("recommend", b""),
        ("recommend-batch", b'{"requests": [{"diversity": NaN}]}'),
        ("feedback", b'{"events": [%s]}' % (EVENT % "NaN").encode()),
        ("feedback", b'{"events": [%s]}' % (EVENT % '"inf"').encode()),
        ("feedback", b'{"events": [%s]}' % (EVENT % ("1" + "0" * 400)).encode()),
        ("items", b'{"items": [{"item": "i", "text": "t", "vector": [Infinity]}]}'),
        ("items", b'{"items": [{"item": "i", "text": "\\udc80"}]}'),
        ("forget-user", b'{"user": "\\udc80"}'),
    ],
)
def test_answers_422_with_one_sentence_and_logs_no_traceback(caller, caplog, path, body):
    with caplog.at_level(logging.INFO):
        answer = caller.http.post(f"/v1/{path}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert 0 < len(detail) < 200
    assert "\n" not in detail
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "soon", "1e999", "\u0661"])
def test_a_deadline_that_is_no_time_is_refused(caller, text):
    headers = {b"Graft-Timeout-Ms": text.encode()}
    answer = caller.http.post("/v1/recommend", json={}, headers=headers)
    assert (answer.status_code, answer.json()["detail"][:16]) == (422, "Graft-Timeout-Ms")


def test_says_which_value_is_wrong_and_quotes_none(caller):
    body = {"events": [{"event_id": "e", "user": "canary", "item": "1", "kind": "canary"}]}
    answer = caller.http.post("/v1/feedback", json=body)
    assert answer.json()["detail"].startswith("events.0.kind: ")
    assert "canary" not in answer.text


@pytest.mark.parametrize("length", ["\u00b2", "-1", "1e3", "9" * 5000, "0x10"])
def test_a_length_that_is_none_is_refused(service, length):
    head = f"POST /v1/recommend HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {service[1].token}\r\n"
    answer = over_the_wire(service, f"{head}Content-Length: {length}\r\n\r\n".encode("latin-1"))
    assert answer.split()[1] in {b"400", b"411", b"413"}


def test_looks_at_the_token_before_a_byte_of_the_body(service):
    head = "POST /v1/items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\nContent-Length: 4000000\r\n\r\n"
    assert over_the_wire(service, head.encode()).split()[1] == b"401"


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"k": NaN}', b"x" * (5 * 1024 * 1024)])
def test_whoever_has_no_token_hears_of_nothing_else(service, content):
    with httpx.Client(base_url=service[1].http.base_url, verify=trusting(service[2]), timeout=20) as stranger:
        assert stranger.post("/v1/recommend", content=content).status_code == 401


def test_describes_what_each_path_takes(caller):
    found = caller.http.get("/openapi.json").json()
    path = found["paths"]["/v1/recommend-batch"]["post"]
    assert path["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/BatchBody"}
    assert "Graft-Timeout-Ms" in {one["name"] for one in path["parameters"]}
    wanted = {part.rpartition("/")[2] for part in references(found)}
    assert wanted
    assert wanted <= set(found["components"]["schemas"])


def references(value):
    if isinstance(value, dict):
        return [
            *([value["$ref"]] if "$ref" in value else []),
            *(one for part in value.values() for one in references(part)),
        ]
    return [one for part in value for one in references(part)] if isinstance(value, list) else []


def test_messages_that_never_come_shut_nobody_out_over_grpc(service):
    _, caller, _ = service
    never = [Never() for _ in range(200)]
    silent = caller.channel.stream_unary("/graft.serving.v1.Recommender/Recommend")
    calls = [silent.future(one, metadata=(), timeout=30) for one in never[:100]]
    calls += [silent.future(one, metadata=caller.metadata, timeout=30) for one in never[100:150]]
    try:
        assert caller.call("Recommend", api.RecommendRequest(k=1), timeout=10).items
        stub = health_pb2_grpc.HealthStub(caller.channel)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
        assert {call.code() for call in calls[:100]} == {grpc.StatusCode.UNAUTHENTICATED}
    finally:
        for call in calls:
            call.cancel()


class Never:
    """A caller's message that does not come."""

    def __iter__(self):
        return self

    def __next__(self):
        import threading

        threading.Event().wait(3)
        raise StopIteration


def over_the_wire(service, content: bytes) -> bytes:
    """What comes back for bytes as they are."""
    server, _, folder = service
    context: ssl.SSLContext = trusting(folder)
    plain = socket.create_connection(("127.0.0.1", server.ports[1]), timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
        secured.sendall(content)
        return secured.recv(1000)
