"""The typed caller against a real service, and every example of docs/serving.md as it stands there."""

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

import graft
from client.api.call_answers import answered, list_from
from client.serving.serve_settings import Limits, ServeSettings
from client.serving.server import Server
from shared.errors import (
    ConfigError,
    InvalidRequest,
    NotAdmitted,
    NothingToRecommend,
    Overloaded,
    RequestError,
    TooLate,
    Unavailable,
    Unreachable,
)
from tests.integration.serving.loopback import prepared, serving

DOCUMENT = (Path(__file__).parents[3] / "docs" / "serving.md").read_text("utf-8")
OURS = {"17850": "u5", "85123A": "30", "71053": "31"}
"""users and items of the document, and those of the world that is served here"""


def example(language: str, port: int) -> str:
    """The document's block, of the service at ``port``."""
    (block,) = re.findall(rf"<!-- calls: {language} -->\n\n```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block.count("localhost:8061")
    for theirs, ours in {**OURS, "localhost:8061": f"127.0.0.1:{port}"}.items():
        block = block.replace(theirs, ours)
    return block


@pytest.fixture
def open_service(tmp_path):
    """Without TLS: its HTTP port and a token."""
    token = prepared(tmp_path)
    settings = ServeSettings(
        heads=tmp_path / "heads", tokens=tmp_path / "tokens", port=0, http_port=0, limits=Limits(seconds=20)
    )
    server = Server(settings)
    server.start()
    yield server.ports[1], token
    server.stop()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_each_call_of_the_document_by_curl_is_answered(open_service) -> None:
    port, token = open_service
    done = subprocess.run(
        ["bash", "-euc", example("sh", port)],
        env={**os.environ, "TOKEN": token, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    recommended, batch, feedback, items, forgotten, health = map(json.loads, done.stdout.splitlines())
    assert len(recommended["items"]) == 5
    assert recommended["items"][0]["history"]
    assert [entry["refusal"] for entry in batch["entries"]] == [None, None]
    assert (feedback["accepted"], items["accepted"]) == (1, 1)
    assert forgotten["accepted"] >= 1
    assert health["status"] == "serving"


def test_each_call_of_the_document_by_python_is_answered(open_service, monkeypatch, capsys) -> None:
    port, token = open_service
    monkeypatch.setenv("TOKEN", token)
    exec(compile(example("python", port), "docs/serving.md", "exec"), {})  # noqa: S102 (our own document)
    *listed, bases, bought, added, forgotten, health, refusal = capsys.readouterr().out.splitlines()
    assert len(listed) == 5
    assert (bases, bought, added, health) == ("['history', 'history']", "1", "1", "serving")
    assert int(forgotten) >= 1
    assert f"127.0.0.1:{port}/v1/recommend answered 404" in refusal


def test_calls_over_tls_and_gives_typed_values(tmp_path) -> None:
    with serving(tmp_path) as (server, raw):
        address, own = f"127.0.0.1:{server.ports[1]}", tmp_path / "tls.crt"
        with graft.Caller(address, raw.token, certificate=own) as caller:
            answer = caller.recommend("u5", k=3, reasons=True)
            told = raw.http.post("/v1/recommend", json={"user": "u5", "k": 3, "reasons": True}).json()
            assert [item.item for item in answer.items] == [item["item"] for item in told["items"]]
            assert [name for name, _ in answer.items[0].history] == [p["name"] for p in told["items"][0]["history"]]
            assert (answer.basis, answer.head, answer.unknown_items) == ("history", told["head"], 0)
            assert caller.health() == graft.Health(status="serving", head=told["head"], troubles={})
            impossible = [graft.ListRequest(user="u5", k=2), graft.ListRequest(categories=("none",))]
            first, second = caller.recommend_batch(impossible)
            assert isinstance(first, graft.ListAnswer)
            assert isinstance(second, RequestError)
            with pytest.raises(NothingToRecommend, match="answered 404"):
                caller.recommend(categories=["none"])
            with pytest.raises(InvalidRequest, match="answered 422: user"):
                caller.forget_user("")
            with pytest.raises(InvalidRequest, match="k must be 1 to 1000; got 0"):
                caller.recommend(k=0)
        with graft.Caller(address, "nobodys", certificate=own) as stranger:
            with pytest.raises(NotAdmitted, match="answered 401"):
                stranger.recommend("u5")
            assert stranger.health().status == "serving"
        with graft.Caller(f"https://{address}", raw.token) as distrustful, pytest.raises(Unreachable):
            distrustful.recommend("u5")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Overloaded), (503, Unavailable), (504, TooLate), (500, RequestError), (302, RequestError)],
)
def test_each_refusal_is_an_error_of_one_tree(status: int, kind: type[Exception]) -> None:
    request = httpx.Request("POST", "http://127.0.0.1/v1/recommend")
    with pytest.raises(RequestError, match=f"answered {status}: later") as refused:
        answered(httpx.Response(status, json={"detail": "later"}, request=request), list_from)
    assert type(refused.value) is kind
    for body in ("", "[]", '{"items": 3}', "<html>"):
        with pytest.raises(RequestError, match="expected an answer of graft-client serve"):
            answered(httpx.Response(200, text=body, request=request), list_from)


def test_tells_the_health_of_a_service_that_serves_nobody() -> None:
    told = {"status": "not-serving", "head": "a head", "troubles": {"tokens": "cannot be read"}}
    with graft.Caller("localhost:8061", "token") as caller:
        transport = httpx.MockTransport(lambda _: httpx.Response(503, json=told))
        caller._http = httpx.Client(base_url="http://localhost:8061", transport=transport)
        assert caller.health() == graft.Health(**told)
        with pytest.raises(Unavailable):
            caller.recommend("u5")


def test_says_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with graft.Caller(f"127.0.0.1:{port}", "token", seconds=0.2) as caller, pytest.raises(TooLate, match=r"0\.2 s"):
            caller.health()
    with graft.Caller(f"127.0.0.1:{port}", "token") as caller, pytest.raises(Unreachable, match=str(port)):
        caller.health()


@pytest.mark.parametrize(
    "address", ["shop.example:8061", "http://10.0.0.5:8061", "", "ftp://localhost", "localhost/v1"]
)
def test_refuses_an_address_where_the_token_is_not_safe_or_that_is_none(address: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        graft.Caller(address, "token")


@pytest.mark.parametrize("token", ["", "two words", "new\nline", "schlüssel"])
def test_refuses_what_is_no_token_and_does_not_repeat_it(token: str) -> None:
    with pytest.raises(ConfigError, match="expected a token as graft-client token add prints it; got another text"):
        graft.Caller("localhost:8061", token)


def test_refuses_a_certificate_that_is_none(tmp_path) -> None:
    (tmp_path / "text").write_text("no certificate")
    for name, sentence in (("none", "cannot be read"), ("text", "expected a certificate as PEM")):
        with pytest.raises(ConfigError, match=sentence):
            graft.Caller("localhost:8061", "token", certificate=tmp_path / name)
