"""The dashboard shows what stands in the folder, to whoever asks rightly, and does nothing that a platform wrote."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

import server.engine.standings as standings_module
from server.coordinator.run_book import Standing
from server.dashboard.dashboard_app import DashboardPage, dashboard_app
from server.dashboard.dashboard_settings import DashboardSettings
from server.dashboard.overview import overview
from shared.errors import ConfigError
from shared.pages.page_guard import LOOPBACK_NAMES
from tests.federation_world import START
from tests.unit.server.dashboard.coordinator_world import (
    HOSTILE,
    LATER,
    busy_coordinator,
    coordinator,
    plant_hostile_words,
    rounds,
    supervised,
)
from tests.unit.server.engine.world import NOON, World, record


class Words(HTMLParser):
    """Names of elements, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.elements.append(tag)
        self.text += " "

    def handle_endtag(self, _tag: str) -> None:
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Words:
    """The page as a browser parses it."""
    found = Words()
    found.feed(page)
    found.text = " ".join(found.text.split())
    return found


def shown(world: World) -> Words:
    """The page of a folder, at noon."""
    page = DashboardPage(lambda: overview(world.home, now=NOON))
    return read(page.answer(None).body.decode("utf-8"))


@pytest.fixture
def client(tmp_path) -> TestClient:
    return TestClient(dashboard_app(coordinator(tmp_path).home, LOOPBACK_NAMES), base_url="http://127.0.0.1:9480")


def test_shows_platforms_with_state_and_reason_and_whose_release_they_accepted(tmp_path) -> None:
    world = busy_coordinator(tmp_path)
    with supervised(world):
        text = shown(world).text
        rows = {one.name: one for one in overview(world.home, now=NOON).platforms}
    assert (rows["shop"].state, rows["shop"].tone, rows["shop"].users) == ("connected", "good", "2,048")
    assert (rows["books"].state, rows["books"].tone) == ("offline", "bad")
    assert (rows["games"].state, rows["games"].tone, rows["games"].accepted) == ("queued", "wait", "none yet")
    assert rows["shop"].accepted == "the bundle of run 3"
    assert "it was connected and is so no longer. What to do: its operator runs graft-client start" in text


def test_shows_the_round_under_way_with_the_stage_and_who_is_awaited(tmp_path) -> None:
    world = busy_coordinator(tmp_path)
    with supervised(world):
        text = shown(world).text
    assert "ready certificate good until" in text
    assert "Run 3 running" in text
    assert "3 of 8 rounds, about" in text
    assert "Without books, games: why" in text
    assert "sum 4: masking: 0 s so far; awaits news, second-shop 600 seconds at most a question" in text
    assert "10 the run leaves this encoder; without books: no answer of it came in time" in text
    assert "evaluate 3 of 8 4 of 5 0.1200 1.0 1.0 10 the run leaves" in text
    assert "train 3 of 8 4 of 5 5.9000 1.0 1.0 10 without books: no answer of it came in time" in text


def test_shows_runs_the_encoder_and_who_made_it(tmp_path) -> None:
    world = busy_coordinator(tmp_path)
    text = shown(world).text
    assert "not running" in text
    assert "run 2 failed 1 of 4 - without films: its data cannot be read nobody came" in text
    assert "Run 1 left it: after round 5, NDCG@10" in text
    assert "trained by news, shop." in text
    assert "pretrained on about events 65,536, items 1,024, users 4,096" in text
    assert "promise to each user delta 1e-06, epsilon 8" in text
    assert f"preset {START.spec.preset}" in text


def test_draws_loss_and_validation_by_round_and_marks_the_kept_one(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.enroll("shop", "online")
    run = busy_coordinator(tmp_path / "other")
    loss, quality = overview(run.home, now=NOON).run.charts
    assert [dot.words for dot in loss.dots] == ["round 1: 6.3000", "round 2: 6.1000", "round 3: 5.9000"]
    assert [dot.marked for dot in quality.dots] == [False, False, True]
    assert loss.dots[0].y < loss.dots[1].y < loss.dots[2].y
    assert overview(world.home, now=NOON).run is None


def test_a_folder_in_which_nothing_happened_yet_is_a_page(tmp_path) -> None:
    world = coordinator(tmp_path)
    text = shown(world).text
    assert "No run has been asked for yet" in text
    assert "No platform is enrolled yet" in text
    assert f"What to do: graft-server start {world.home.folder}" in text
    assert f"graft-server enroll {world.home.folder} NAME --public-key FILE" in text
    assert "It is the one that the folder was made with" in text


def test_reads_the_folder_alone(tmp_path, monkeypatch) -> None:
    world = busy_coordinator(tmp_path)
    world.home.database.unlink()
    monkeypatch.setattr(standings_module.FlwrCommand, "nodes", lambda _self: pytest.fail("the engine was asked"))
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    assert "games" in shown(world).text
    assert {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))} == before


def test_what_comes_from_platforms_is_text_and_nothing_else(tmp_path) -> None:
    world = busy_coordinator(tmp_path)
    honest = set(shown(world).elements)
    plant_hostile_words(world)
    with supervised(world, troubles={HOSTILE: HOSTILE}):
        found = shown(world)
    assert found.text.count(HOSTILE) >= 10
    assert set(found.elements) <= honest | {"strong"}
    assert found.elements.count("script") == 1
    assert "img" not in found.elements


def test_a_damaged_folder_is_told_in_one_sentence_and_the_page_goes_on(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.home.platforms.write_text("{")
    client = TestClient(dashboard_app(world.home, LOOPBACK_NAMES), base_url="http://localhost")
    answer = client.get("/")
    assert answer.status_code == 503
    assert "platforms.json: not a register of platforms" in read(answer.text).text


def test_a_damaged_encoder_takes_nothing_else_from_the_page(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.home.encoder.write_bytes(b"no encoder")
    assert "not a whole safetensors file" in shown(world).text
    world.home.encoder.unlink()
    assert "it cannot be read" in shown(world).text


@pytest.mark.parametrize("path", ["/", "/style.css", "/icon.svg", "/dashboard.js"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answers_with_the_headers_that_keep_others_out(client, path, method) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9480", "127.0.0.1.evil.example", "", "[::2]", "localhost.evil"]
)
def test_refuses_a_host_that_is_another(client, host) -> None:
    answer = client.get("/", headers={"Host": host})
    assert (answer.status_code, "Platforms" in answer.text) == (421, False)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9480", "127.0.0.1:1", "[::1]:9480"])
def test_answers_under_the_names_of_loopback(client, host) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_takes_no_other_method(client, method, path) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/platforms.json", "/../settings.toml", "/%2e%2e/tls/ca.key", "/pages/dashboard.html"]
)
def test_knows_no_other_path(client, path) -> None:
    assert client.get(path).status_code == 404


def test_names_beyond_loopback_are_the_address_and_the_coordinators() -> None:
    assert DashboardSettings().names(("shops.example",)) == LOOPBACK_NAMES
    found = DashboardSettings(host="10.0.0.5", open_to_network=True).names(("shops.example",))
    assert set(found) - set(LOOPBACK_NAMES) == {"10.0.0.5", "shops.example"}


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "::"])  # noqa: S104
def test_an_address_that_others_reach_has_to_be_asked_for(host) -> None:
    with pytest.raises(ConfigError, match="needs --open-to-network"):
        DashboardSettings(host=host)


def test_many_browsers_cost_no_more_than_one(tmp_path) -> None:
    world, reads, clock = coordinator(tmp_path), [], [0.0]
    page = DashboardPage(lambda: reads.append(1) or overview(world.home, now=NOON), lambda: clock[0])
    for _ in range(5):
        page.answer(None)
    assert len(reads) == 1
    clock[0] = 1.5
    page.answer(None)
    assert len(reads) == 2


def test_says_when_the_certificate_ends(tmp_path) -> None:
    world = coordinator(tmp_path)
    later = DashboardPage(lambda: overview(world.home, now=NOON + timedelta(days=390)))
    assert "The certificate expires soon" in read(later.answer(None).body.decode("utf-8")).text


def test_a_run_that_failed_says_with_what_it_goes_on(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.run(state="failed")
    text = shown(world).text
    assert "Run 1 failed 0 of 2 rounds: nobody came" in text
    assert f"it goes on with graft-server run {tmp_path} --resume 1 ." in text


def test_a_run_in_a_queue_has_one_state(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.enroll("shop", "online", until=LATER)
    world.run(state="queued").stands(Standing(state="queued"))
    with supervised(world):
        text = shown(world).text
    assert "Run 1 queued 0 of 2 rounds" in text
    assert "queued: begun within seconds" in text
    assert "asks shop" not in text


def test_one_line_is_kept_and_a_line_that_is_passed_over_says_so_once(tmp_path) -> None:
    world = coordinator(tmp_path)
    judged = {"validation": {"shop": {"both": 0.1}}, "kept": True}
    steps = [record("evaluate", 0, ("shop",), **judged), record("moments", 0, ("shop",))]
    world.run(*steps, record("evaluate", 0, ("shop",), **judged), state="running")
    lines = overview(world.home, now=NOON).run.questions
    assert [(one.name, one.kept) for one in lines] == [
        ("evaluate after moments", True),
        ("moments", False),
        ("evaluate the start", False),
    ]
    bad = busy_coordinator(tmp_path / "other")
    bad.run(*rounds(3), rounds=3)
    assert "passed over more than 10 % worse than one before" in shown(bad).text
    assert "passed over passed over" not in shown(bad).text


def test_columns_without_an_entry_are_not_drawn_and_what_only_developers_read_is_folded(tmp_path) -> None:
    world = coordinator(tmp_path)
    world.enroll("shop", "online", until=LATER)
    world.run(record("train", 1, ("shop",)), rounds=1)
    with supervised(world):
        text = shown(world).text
    for column in ("users, class", "why it takes no part", "last without", "reason"):
        assert column not in text
    assert text.index("More of its file") < text.index("layout hash")
