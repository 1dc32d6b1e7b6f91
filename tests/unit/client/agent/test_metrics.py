"""What an agent tells Prometheus comes of its ledger and its processes, and says nothing of the platform."""

import math
import os
import socket
from contextlib import contextmanager

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.agent.metrics import AgentMetrics
from client.guard.ledger import Ledger, LedgerLine
from client.guard.site_policy import TaskKind
from shared.federation.messages import Declined, DeclineReason
from shared.federation.wire import encode_reply
from tests.unit.client.guard.answers import NOON, asked, checked, trained
from tests.unit.shared.samples import samples


@contextmanager
def connection():
    """To a port of loopback, held by this process; the port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            yield listening.getsockname()[1]


@pytest.fixture
def home(tmp_path) -> AgentHome:
    return AgentHome(tmp_path)


def figures(home: AgentHome, *, port: int = 9443, pid: int | None = None) -> dict[str, float]:
    settings = AgentSettings(server=f"localhost:{port}", name="north", data="/data/north")
    report = {"processes": [{"name": "supernode", "pid": pid, "restarts": 4}]}
    return samples(AgentMetrics(home=home, settings=settings, report=lambda: report))


def test_counts_what_the_ledger_tells(home) -> None:
    ledger = Ledger(home.ledger)
    update = checked(trained())
    declined = checked(encode_reply(Declined(round=3, reason=DeclineReason.SITE_POLICY)), asked(TaskKind.MOMENTS))
    for number in (1, 2):
        ledger.add(LedgerLine.left(update, task="train", round_number=number, now=NOON))
    ledger.add(LedgerLine.left(declined, task="moments", round_number=0, now=NOON))
    ledger.add(LedgerLine.kept("too large", task="train", round_number=3, now=NOON))
    found = figures(home)
    assert (found["graft_agent_tasks_done_total task=train"], found["graft_agent_tasks_done_total task=moments"]) == (
        2,
        0,
    )
    assert found["graft_agent_tasks_refused_total code=site-policy"] == 1
    assert found["graft_agent_tasks_refused_total code=held-back"] == 1
    assert found["graft_agent_bytes_out_total"] == 2 * update.bytes + declined.bytes
    assert found["graft_agent_last_round_age_seconds"] > 0
    assert found["graft_agent_program_restarts_total program=supernode"] == 4
    assert "north" not in str(found)


def test_a_new_agent_has_sent_nothing(home) -> None:
    found = figures(home)
    assert found["graft_agent_bytes_out_total"] == 0
    assert math.isnan(found["graft_agent_last_round_age_seconds"])


def test_is_connected_while_its_supernode_holds_a_connection_to_the_coordinator(home) -> None:
    with connection() as port:
        assert figures(home, port=port, pid=os.getpid())["graft_agent_connected"] == 1
    assert figures(home, port=port, pid=os.getpid())["graft_agent_connected"] == 0
    assert figures(home, port=port)["graft_agent_connected"] == 0
