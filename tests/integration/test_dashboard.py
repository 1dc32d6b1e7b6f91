"""``graft-server dashboard`` as a process, seen by a browser; its pictures lie in the test's folder."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.browser import browser, pictures
from tests.integration.commands import exit_code, finished, run, start
from tests.unit.server.dashboard.coordinator_world import (
    LATER,
    busy_coordinator,
    coordinator,
    plant_hostile_words,
    rounds,
    supervised,
)
from tests.unit.server.engine.world import World, record


@contextmanager
def dashboard(world: World) -> Iterator[str]:
    """Its address while it runs; it ends well when it is told to."""
    process = start("graft-server", "dashboard", world.home.folder, "--port", 0)
    try:
        said = process.stdout.readline()
        yield re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
        process.send_signal(signal.SIGTERM)
        assert exit_code(process, seconds=30) == 0
    finally:
        process.kill()


def test_shows_a_coordinator_at_both_widths_light_and_dark(tmp_path) -> None:
    world = busy_coordinator(tmp_path / "coordinator")
    with supervised(world), dashboard(world) as url, browser(tmp_path) as seen:
        pictures(seen, url, tmp_path, "dashboard")
        assert seen.value("document.querySelectorAll('[data-part=platforms] tbody tr').length") == 6
        assert seen.value("getComputedStyle(document.querySelector('svg .line')).strokeWidth") == "2px"
        assert seen.said == []


def test_shows_an_empty_coordinator(tmp_path) -> None:
    world = coordinator(tmp_path / "coordinator")
    with dashboard(world) as url, browser(tmp_path) as seen:
        pictures(seen, url, tmp_path, "empty")


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_shows_a_run_that_is_over(tmp_path, state) -> None:
    world = coordinator(tmp_path / "coordinator")
    for name in ("shop", "films", "news"):
        world.enroll(name, "online", until=LATER)
    broken = record("train", 3, ("shop",), failed={"films": "data"})
    history = {"completed": rounds(6), "failed": [*rounds(2), broken]}[state]
    world.run(*history, rounds=6, state=state)
    with supervised(world), dashboard(world) as url, browser(tmp_path) as seen:
        pictures(seen, url, tmp_path, state)
        assert seen.value("document.querySelector('[data-part=live] .badge').textContent") == state


def test_follows_a_run_without_being_loaded_again_and_keeps_open_what_was_opened(tmp_path) -> None:
    world = coordinator(tmp_path / "coordinator")
    world.enroll("shop", "online")
    begun = world.run(record("train", 1, ("shop",), losses={"shop": {"encoder": 6.0}}), state="running", rounds=3)
    with supervised(world), dashboard(world) as url, browser(tmp_path) as seen:
        seen.open(url)
        seen.value("window.untouched = true; document.getElementById('parts').open = true")
        records = [record("train", number, ("shop",), losses={"shop": {"encoder": 5.0}}) for number in (1, 2)]
        (begun.out / "rounds.json").write_text(json.dumps([one.to_json() for one in records]))
        seen.until("document.title.includes('2 of 3 rounds')")
        assert seen.value("document.querySelectorAll('[data-part=rounds] .scroll tbody tr').length") == 2
        assert seen.value("document.getElementById('parts').open && window.untouched") is True
        assert seen.said == []


def test_says_so_when_it_is_there_no_longer(tmp_path) -> None:
    world = coordinator(tmp_path / "coordinator")
    with browser(tmp_path) as seen:
        with dashboard(world) as url:
            seen.open(url)
            assert seen.value("document.getElementById('lost').hidden") is True
        seen.until("!document.getElementById('lost').hidden")
        assert "No answer since" in seen.value("document.getElementById('lost').textContent")


def test_a_browser_runs_nothing_that_a_platform_wrote(tmp_path) -> None:
    world = busy_coordinator(tmp_path / "coordinator")
    plant_hostile_words(world)
    with supervised(world), dashboard(world) as url, browser(tmp_path) as seen:
        pictures(seen, url, tmp_path, "hostile")
        seen.until("document.querySelector('footer').textContent.includes('read at')")
        assert seen.value("document.title") != "taken"
        assert seen.value("document.querySelectorAll('img').length") == 0
        assert seen.value("document.body.textContent.includes('<img src=x onerror')") is True
        assert seen.said == []


def test_the_policy_stops_a_script_that_got_into_the_page(tmp_path) -> None:
    world = coordinator(tmp_path / "coordinator")
    with dashboard(world) as url, browser(tmp_path) as seen:
        seen.open(url)
        planted = "const one = document.createElement('script'); one.textContent = 'window.planted = 1'"
        seen.value(f"setTimeout(() => {{ {planted}; document.body.append(one); window.tried = 1 }})")
        seen.until("window.tried === 1")
        assert seen.value("window.planted === undefined") is True
        assert "Content Security Policy" in " ".join(seen.said)


def test_works_without_scripts(tmp_path) -> None:
    world = busy_coordinator(tmp_path / "coordinator")
    with dashboard(world) as url:
        page = httpx.get(url).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert "second-shop" in page


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "10.0.0.5"], "needs --open-to-network"),
        (["--host", "shop"], "host must be an IP address; got 'shop'"),
        (["--port", "70000"], "port must be from 0 to 65535; got 70000"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, arguments, sentence) -> None:
    home = coordinator(tmp_path / "coordinator").home.folder
    done = run("graft-server", "dashboard", home, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert sentence in done.stderr


def test_a_folder_that_is_no_coordinators_is_one_sentence(tmp_path) -> None:
    done = run("graft-server", "dashboard", tmp_path / "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no coordinator's folder; make one with graft-server init" in done.stderr


def test_a_port_that_is_taken_is_one_sentence(tmp_path) -> None:
    home = coordinator(tmp_path / "coordinator").home.folder
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = finished(start("graft-server", "dashboard", home, "--port", port))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"the dashboard cannot listen on 127.0.0.1:{port}" in done.stderr


def test_an_open_address_is_told_in_one_sentence(tmp_path) -> None:
    home = coordinator(tmp_path / "coordinator").home.folder
    process = start("graft-server", "dashboard", home, "--host", "0.0.0.0", "--open-to-network", "--port", 0)  # noqa: S104
    try:
        port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
        assert httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "shops.example"}).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"}).status_code == 421
    finally:
        process.send_signal(signal.SIGINT)
    done = finished(process)
    assert done.returncode == 0
    assert done.stderr == "note: whoever reaches 0.0.0.0 reads this page, without a password and without TLS\n"
