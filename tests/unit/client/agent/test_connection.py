"""An agent says whether it is connected, since when, and what stands in the way, as Flower's own log has it."""

import json
from datetime import UTC, datetime

import pytest

from client.agent.connection import FORGOTTEN_SECONDS, LOOK_SECONDS, STUCK_SECONDS, Connection, known_since
from client.agent.finding import Cause, Finding
from client.agent.home import AgentHome, AgentSettings
from client.agent.supernode import GAVE_UP

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = Finding(cause=Cause.CLOCK, why="the clock is off", do="set it")
ADMITTED = "INFO 2026-03-01 12:00:00,000:     SuperNode ID: 17"
NOT_ADMITTED = "[code: 2004] Failed to activate SuperNode."


class World:
    """A SuperNode whose log and end the test writes, and a door that says what the test wants."""

    def __init__(self, folder) -> None:
        self.home = AgentHome(folder)
        for made in (self.home.logs, self.home.state):
            made.mkdir()
        self.at_door: Finding | None = None
        self.seconds = 0.0
        self.killed: list[int] = []
        self.process = {"name": "supernode", "pid": 7, "restarts": 0, "code": None}
        self.begin()

    def begin(self) -> None:
        self.connection = Connection(
            home=self.home,
            settings=AgentSettings(server="shops.example:9443", name="north", data="/data/north"),
            seconds=lambda: self.seconds,
            look_at_door=lambda: self.at_door,
            now=lambda: NOON,
            kill=self.killed.append,
        )

    def ends(self, code: int) -> None:
        self.process = {**self.process, "pid": self.process["pid"] + 1, "code": code}

    def look(self, *lines: str, after: float = LOOK_SECONDS) -> dict:
        self.seconds += after
        with (self.home.logs / "supernode.log").open("a") as log:
            log.write("".join(f"{line}\n" for line in lines))
        return self.connection.look([self.process])

    def cause(self, *lines: str, after: float = LOOK_SECONDS) -> str:
        return self.look(*lines, after=after)["obstacle"]["cause"]


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def test_is_connected_from_the_line_that_says_so_until_one_says_otherwise(world) -> None:
    assert world.cause() == "connecting"
    found = world.look(ADMITTED)
    assert (found["connected"], found["obstacle"]) == (True, None)
    assert known_since(world.home) == "2026-03-01T12:00:00+00:00"
    world.at_door = Finding(cause=Cause.UNREACHABLE, why="no answer", do="wait")
    found = world.look("WARNING:  Connection attempt failed, retrying in 1.00 seconds")
    assert (found["connected"], found["obstacle"]["cause"]) == (False, "server-unreachable")
    assert world.look("INFO:  Connection successful after 8.00 seconds and 4 tries.")["connected"]


def test_what_is_wrong_at_the_door_comes_first(world) -> None:
    world.at_door = CLOCK
    world.ends(0)
    assert world.cause() == "clock"


def test_a_key_that_never_was_admitted_is_not_enrolled_and_one_that_was_is_refused_for_one_of_three_reasons(
    world,
) -> None:
    assert world.cause(NOT_ADMITTED) == "not-enrolled"
    assert "graft-server enroll north" in world.look()["obstacle"]["do"]
    world.look(ADMITTED)
    world.ends(0)
    found = world.look()["obstacle"]
    assert found["cause"] == "key-refused"
    for reason in ("it was revoked", "another agent connects with this key", "restored from a backup"):
        assert reason in found["why"]
    assert found["do"].startswith("ask the coordinator's operator before you make a new folder")
    world.ends(1)
    assert world.cause(NOT_ADMITTED) == "key-refused"


def test_one_that_gave_up_is_not_connected_for_what_is_wrong_at_the_door_and_is_back_by_itself(world) -> None:
    world.look(ADMITTED)
    world.at_door = Finding(cause=Cause.CERTIFICATE, why="it has expired", do="renew it")
    world.ends(GAVE_UP)
    found = world.look("ERROR 2026-03-01 12:00:00,000:     SSL/TLS handshake error detected.")
    assert (found["connected"], found["obstacle"]["cause"]) == (False, "certificate")
    world.at_door = None
    assert world.cause() == "connecting"
    assert world.look(ADMITTED)["connected"]
    assert world.killed == []


def test_one_that_does_not_connect_at_an_open_door_is_ended_and_so_started_again(world) -> None:
    world.at_door = CLOCK
    world.look(after=2 * STUCK_SECONDS)
    world.at_door = None
    world.look()
    world.look(after=STUCK_SECONDS - LOOK_SECONDS)
    assert world.killed == []
    world.look(after=1)
    assert world.killed == [7]
    world.ends(-9)
    world.look(ADMITTED)
    world.look(after=2 * STUCK_SECONDS)
    assert world.killed == [7]


def test_a_message_that_came_or_went_shows_that_it_is_connected(world) -> None:
    for line in ("Received successfully", "Sent successfully"):
        assert not world.look("Connection attempt failed, retrying in 1.00 seconds")["connected"]
        assert world.look(line)["connected"]


def test_what_was_refused_for_a_clock_is_not_a_refused_key_once_that_is_right(world) -> None:
    world.look(ADMITTED)
    world.at_door = CLOCK
    world.ends(0)
    assert world.cause() == "clock"
    world.at_door = None
    assert world.cause() == "connecting"


def test_after_it_was_killed_it_waits_until_the_connection_of_before_is_forgotten(world) -> None:
    world.look(ADMITTED)
    world.begin()
    assert world.cause(NOT_ADMITTED) == "connecting"
    assert world.cause(after=FORGOTTEN_SECONDS + 1) == "key-refused"
    assert world.look(ADMITTED)["connected"]


def test_looks_at_the_door_now_and_then_and_not_while_it_is_connected(world) -> None:
    asked = []
    world.connection.look_at_door = lambda: asked.append(1)
    for _ in range(3):
        world.look(after=LOOK_SECONDS / 2)
    assert len(asked) == 2
    world.look(ADMITTED)
    world.look()
    assert len(asked) == 2


def test_says_each_change_once_in_its_log(world, caplog) -> None:
    caplog.set_level("INFO", logger="graft.agent")
    world.at_door = CLOCK
    for _ in range(3):
        world.look()
    world.look(ADMITTED)
    world.look()
    assert [record.getMessage() for record in caplog.records] == [
        "not connected: the clock is off; set it",
        "connected to shops.example:9443",
    ]


def test_an_agent_that_ends_is_connected_no_longer(world) -> None:
    world.look(ADMITTED)
    world.connection.end()
    assert json.loads(world.home.connection.read_text())["connected"] is False
