"""The example alerts are rules as Prometheus reads them; they and the dashboard ask for metrics that there are."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from client.adaptation.intervals import Figure
from client.agent.home import AgentHome, AgentSettings
from client.agent.metrics import AgentMetrics
from client.serving.front import Admission, ServingMetrics
from client.serving.requests import Counts
from client.serving.serve_settings import Limits
from server.coordinator.home import ServerSettings
from server.coordinator.metrics import ServerMetrics
from server.coordinator.new_coordinator import make_coordinator
from server.coordinator.run_book import RunBook
from server.rounds.checkpoints import HISTORY_FILE
from shared.encoder.file import EncoderCard, save_encoder
from shared.federation.config import RoundsConfig
from tests.federation_world import START
from tests.unit.server.coordinator.test_metrics import record
from tests.unit.shared.samples import samples

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))
SCRAPED = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "graft.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PROCESSES = {"processes": [{"name": "superlink", "pid": 7, "restarts": 2}]}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> set[str]:
    """Names of all samples that the three programs serve."""
    folder = tmp_path_factory.mktemp("told")
    save_encoder(folder / "start.safetensors", START, EncoderCard())
    now = datetime.now(UTC)
    home = make_coordinator(folder / "server", folder / "start.safetensors", ServerSettings(), now=now).home
    run = RunBook(home.runs).add(RoundsConfig(rounds=3), b"an encoder")
    run.out.mkdir()
    (run.out / HISTORY_FILE).write_text(json.dumps([record("train", 1)]))
    settings = AgentSettings(server="a:1", name="north", data="/data/north")
    server = ServerMetrics(home=home, report=lambda: PROCESSES, now=lambda: now)
    agent = AgentMetrics(home=AgentHome(folder), settings=settings, report=lambda: PROCESSES)
    serving = ServingMetrics(Admission(Limits()))
    with serving.measured("Recommend", "grpc"):
        serving.swapped("ok")
        serving.reported("feedback", Counts(accepted=1, repeated=0, head=""))
        serving.satisfied({("hit-rate", "all"): Figure(value=0.2, low=0.1, high=0.3, of=50, users=9)})
    names = [*samples(server), *samples(agent), *samples(serving.registry)]
    return {name.partition(" ")[0] for name in names}


def test_what_an_alert_counts_stands_at_nought_before_the_first_of_it() -> None:
    serving = ServingMetrics(Admission(Limits()))
    serving.begins("recommend", "http")
    found = set(samples(serving.registry))
    assert {f"graft_head_swaps_total outcome={outcome}" for outcome in ("ok", "failed")} <= found
    for outcome in ("ok", "Overloaded", "Shed", "TooLate"):
        assert any(name.startswith("graft_requests_total") and outcome in name for name in found)


def test_an_agent_that_waits_for_its_enrolment_raises_no_alert() -> None:
    rule = next(rule for rule in RULES if rule["alert"] == "GraftAgentProgramKeepsEnding")
    assert "graft_agent_connected[30m] offset 30m) == 1" in rule["expr"]


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


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']}-{panel['title']}")
def test_a_panel_asks_for_metrics_that_there_are(panel, told) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        wanted = set(re.findall(r"graft_\w+", target["expr"]))
        assert wanted
        assert wanted <= told
        assert target["datasource"]["uid"] == f"${{{DASHBOARD['templating']['list'][0]['name']}}}"
        for left, right in ("()", "{}", "[]"):
            assert target["expr"].count(left) == target["expr"].count(right)


def test_every_metric_has_a_panel(told) -> None:
    asked = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    beside = re.compile(r"_(created|sum|count)$|_program_running$")
    assert {name for name in told if name not in asked and not beside.search(name)} == set()


def test_panels_lie_beside_each_other_and_have_numbers_of_their_own() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_program_is_scraped_on_a_port_of_loopback_of_its_own() -> None:
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in SCRAPED["scrape_configs"]}
    assert list(jobs) == [group["name"] for group in ALERTS["groups"]]
    ports = [target.removeprefix("127.0.0.1:") for targets in jobs.values() for target in targets]
    assert len(set(ports)) == len(ports) == 3
    assert all(port.isdigit() for port in ports)
    assert SCRAPED["rule_files"] == ["alerts.yaml"]
