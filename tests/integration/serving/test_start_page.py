"""The start page of the service, seen by a browser; its pictures lie in the test's folder."""

import time

import httpx
import pytest

from client.ensemble.scorer_names import readable
from tests.browser import browser, pictures
from tests.integration.serving.loopback import serving, trusting

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(folder):
    with serving(folder) as (_, caller):
        item = {"item": HOSTILE, "text": HOSTILE}
        assert caller.http.post("/v1/items", json={"items": [item]}).status_code == 200
        yield caller


@pytest.fixture(scope="module")
def seen(service, tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def asked(seen, token: str, user: str) -> None:
    """Fill the form in and send it; returns once there is an answer."""
    fields = {"token": token, "user": user, "k": "20"}
    for name, value in fields.items():
        seen.value(f"document.getElementById('{name}').value = {value!r}")
    seen.value("document.getElementById('send').click()")
    seen.until("!document.getElementById('send').disabled")


def url(service) -> str:
    return str(service.http.base_url).rstrip("/")


def test_shows_health_and_a_list_with_reasons_at_both_widths_light_and_dark(service, seen, tmp_path) -> None:
    seen.said.clear()

    def ready() -> None:
        asked(seen, service.token, "u5")
        seen.until("document.getElementById('status').textContent === 'serving'")

    pictures(seen, url(service), tmp_path, "start", ready)
    listed = service.http.post("/v1/recommend", json={"user": "u5", "k": 20, "reasons": True}).json()["items"]
    shown = seen.value("[...document.querySelectorAll('#items td[data-label=id]')].map((one) => one.textContent)")
    assert shown == [one["item"] for one in listed]
    first = seen.value("document.querySelector('#items tr').textContent")
    assert readable(listed[0]["scorers"][0]["name"]) == listed[0]["scorers"][0]["words"]
    assert listed[0]["scorers"][0]["words"] in first
    reason = listed[0]["history"][0]
    assert f"{reason['words']} {reason['name']}" in first
    assert "UTC the recommender of the newest fit" in seen.value("document.getElementById('head').textContent")
    assert seen.said == []


def test_a_title_is_text_and_nothing_else(service, seen) -> None:
    seen.open(url(service))
    asked(seen, service.token, "")
    seen.value("document.getElementById('k').value = 100; document.getElementById('send').click()")
    seen.until("!document.getElementById('send').disabled && !document.getElementById('answer').hidden")
    assert seen.value("document.getElementById('items').textContent.includes('<img src=x')") is True
    assert seen.value("document.querySelectorAll('img').length") == 0
    assert seen.value("document.title") == "Graft: this platform's recommender"


def test_a_wrong_token_is_told_and_no_token_is_kept_anywhere(service, seen) -> None:
    seen.open(url(service))
    asked(seen, "nobody-has-this-one", "u5")
    assert "401: a token is needed" in seen.value("document.getElementById('refusal').textContent")
    assert seen.value("document.getElementById('answer').hidden") is True
    places = "[location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join()"
    assert "nobody-has-this-one" not in seen.value(places)
    seen.open(url(service))
    assert seen.value("document.getElementById('token').value") == ""


def test_shows_satisfaction_to_who_has_a_token(tmp_path, seen) -> None:
    with serving(tmp_path) as (server, caller):
        now = time.time()
        shown = [{"user": "u5", "item": item, "kind": "shown", "time": now - 60} for item in ("1", "2")]
        clicked = {"user": "u5", "item": "2", "kind": "clicked", "time": now - 30}
        events = [{**event, "event_id": f"e{number}"} for number, event in enumerate([*shown, clicked])]
        assert caller.http.post("/v1/feedback", json={"events": events}).json()["accepted"] == 3
        server.front.satisfaction = server.front.service.satisfaction()

        def ready() -> None:
            seen.value("document.getElementById('satisfied').click()")
            seen.until("!document.getElementById('unsatisfied').hidden")
            assert "401: a token is needed" in seen.value("document.getElementById('unsatisfied').textContent")
            seen.value(f"document.getElementById('token').value = {caller.token!r}")
            seen.value("document.getElementById('satisfied').click()")
            seen.until("!document.getElementById('satisfaction').hidden")

        pictures(seen, url(caller), tmp_path, "satisfaction", ready)
        row = "[...document.querySelector('#figures tr').children].map((cell) => cell.textContent)"
        assert seen.value(row)[:3] == ["click-through", "all", "0.500"]


def test_describes_the_interface_without_a_network(service, seen, tmp_path) -> None:
    seen.said.clear()
    pictures(seen, f"{url(service)}/docs", tmp_path, "docs")
    document = service.http.get("/openapi.json").json()
    headings = seen.value("[...document.querySelectorAll('h3')].map((one) => one.textContent)")
    paths = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert headings == [*paths, *sorted(document["components"]["schemas"])]
    dead = (
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter((one) => !document.getElementById(one.hash.slice(1)))"
    )
    assert seen.value(f"{dead}.length") == 0
    assert seen.said == []


def test_what_is_described_is_what_there_is(service, folder) -> None:
    paths = service.http.get("/openapi.json").json()["paths"]
    described = [(path, method, facts) for path, methods in paths.items() for method, facts in methods.items()]
    assert len(described) == 8
    for path, method, facts in described:
        answer = service.http.request(method, path, json={})
        assert str(answer.status_code) in facts["responses"]
        stranger = httpx.request(method, service.http.base_url.join(path), verify=trusting(folder), timeout=20)
        assert (stranger.status_code == 401) == bool(facts.get("security"))


@pytest.mark.parametrize("path", ["/", "/docs", "/start.js", "/style.css", "/icon.svg"])
def test_pages_need_no_token_and_have_the_headers_that_keep_others_out(service, folder, path) -> None:
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, service.http.base_url.join(path), verify=trusting(folder), timeout=20)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert service.http.post(path).status_code in (404, 405)
