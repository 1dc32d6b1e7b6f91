"""The example alerts are rules as Prometheus reads them, about metrics that there are."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from client.agent.home import AgentHome, AgentSettings
from client.agent.metrics import AgentMetrics
from client.serving.front import Admission, ServingMetrics
from client.serving.serve_settings import Limits
from server.coordinator.home import ServerSettings
from server.coordinator.metrics import ServerMetrics
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.file import EncoderCard, save_encoder
from tests.federation_world import START
from tests.unit.shared.samples import samples

ALERTS = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PROCESSES = {"processes": [{"name": "superlink", "pid": 7, "restarts": 2}]}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> set[str]:
    """Names of all samples that the three programs serve."""
    folder = tmp_path_factory.mktemp("told")
    save_encoder(folder / "start.safetensors", START, EncoderCard())
    now = datetime.now(UTC)
    home = make_coordinator(folder / "server", folder / "start.safetensors", ServerSettings(), now=now).home
    settings = AgentSettings(server="a:1", name="north", data="/data/north")
    server = ServerMetrics(home=home, report=lambda: PROCESSES, now=lambda: now)
    agent = AgentMetrics(home=AgentHome(folder), settings=settings, report=lambda: PROCESSES)
    serving = ServingMetrics(Admission(Limits()))
    with serving.measured("Recommend", "grpc"):
        serving.swapped("ok")
    names = [*samples(server), *samples(agent), *samples(serving.registry)]
    return {name.partition(" ")[0] for name in names}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_there_are(rule, told) -> None:
    wanted = set(re.findall(r"graft_\w+", rule["expr"]))
    assert wanted
    assert wanted <= told
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
    for left, right in ("()", "{}", "[]"):
        assert rule["expr"].count(left) == rule["expr"].count(right)


def test_alerts_have_names_of_their_own_and_every_program_has_some() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert [group["name"] for group in ALERTS["groups"]] == ["graft-coordinator", "graft-agent", "graft-serve"]
