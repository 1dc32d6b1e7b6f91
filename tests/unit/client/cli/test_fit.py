"""``graft-client fit`` on an agent's folder: what its settings and its ledger say, options do not."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from client.agent.fitting import agents_fitting, has_contributed, is_agent
from client.agent.home import AgentHome, AgentSettings
from client.cli.main import app
from client.fitting.fit_settings import FitSettings
from client.guard.ledger import Ledger, LedgerLine
from shared.errors import ConfigError
from shared.system.options import from_flat
from shared.system.settings_file import to_toml
from tests.unit.client.guard.answers import NOON, checked, trained


@pytest.fixture
def home(tmp_path) -> AgentHome:
    made = AgentHome(tmp_path)
    settings = AgentSettings(
        server="a:1", name="north", data="/data/north,min-rating=4,repeats=keep", seed=3, min_user_events=5
    )
    made.settings.write_bytes(to_toml(settings))
    return made


def test_takes_data_preparation_and_seed_of_the_agents_settings(home) -> None:
    found = agents_fitting(home.folder, FitSettings())
    assert str(found.data) == "/data/north"
    asked = found.settings.preparation
    assert (asked.min_rating, asked.repeats, asked.min_user_events) == (4.0, "keep", 5)
    assert (found.settings.seed, found.settings.took_part) == (3, False)
    assert is_agent(home.folder)
    assert not is_agent(home.folder / "none")


def test_takes_what_may_compete_of_the_options(home) -> None:
    options = {
        "own": False,
        "methods": "model, feature",
        "teacher": "stack",
        "alignment": "probe:0.1",
        "adapters": "lora:4",
        "moments-weight": 2.0,
    }
    asked = agents_fitting(home.folder, from_flat(FitSettings, options)).settings.competing_methods
    assert (asked.own, asked.teacher, asked.alignment) == (False, "stack", "probe:0.1")
    assert (asked.rank, asked.moments_weight) == (4, 2.0)
    assert asked.names(took_part=False) == ("feature", "model")
    assert asked.names(took_part=True) == ("federated", "federated-model")


def test_who_has_sent_an_update_has_taken_part_and_who_was_held_back_has_not(home) -> None:
    ledger = Ledger(home.ledger)
    ledger.add(LedgerLine.kept("too large", task="train", round_number=1, now=NOON))
    assert not has_contributed(home)
    ledger.add(LedgerLine.left(checked(trained()), task="train", round_number=1, now=NOON))
    assert has_contributed(home)


@pytest.mark.parametrize("kind", ["moments-reply", "cross-reply", "train-reply"])
def test_whoever_let_leave_what_an_encoder_is_made_of_has_taken_part(home, kind) -> None:
    passed = replace(checked(trained()), kind=kind)
    Ledger(home.ledger).add(LedgerLine.left(passed, task="", round_number=0, now=NOON))
    assert has_contributed(home)


def test_a_ledger_that_cannot_be_read_whole_counts_as_one_of_who_took_part(home) -> None:
    home.ledger.parent.mkdir()
    home.ledger.write_text("cut of", "utf-8")
    assert has_contributed(home)


@pytest.mark.parametrize("option", [("--seed", "1"), ("--min-user-events", "4"), ("--took-part",), ("--heads", "x")])
def test_refuses_what_the_settings_answer(home, option) -> None:
    done = CliRunner().invoke(app, ["fit", str(home.folder), "--encoder", "none", *option])
    assert isinstance(done.exception, ConfigError)
    assert f"{option[0]} is not for an agent's folder" in str(done.exception)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--methods", "feature,magic"), "methods must be one or more of feature, model, knowledge; got 'magic'"),
        (("--methods", "model,model"), "methods must be one or more of feature, model, knowledge; got 'model' twice"),
        (("--methods", " , "), "methods must be one or more of feature, model, knowledge; got none"),
        (("--teacher", "nobody"), "teacher must be one of encoder, stack; got 'nobody'"),
        (("--alignment", "probe"), "alignment must be off, probe:WEIGHT, coral:WEIGHT or gate"),
        (("--alignment", "gate", "--took-part"), "this platform took part, so it must be off; got 'gate'"),
        (("--adapters", "lora:0"), "adapters must be none, lora:RANK or shared:RANK"),
        (("--moments-weight", "-1"), "moments-weight must be 0 or more; got -1"),
    ],
)
def test_refuses_ways_of_using_an_encoder_that_there_are_not(tmp_path, option, told) -> None:
    done = CliRunner().invoke(app, ["fit", str(tmp_path), "--encoder", "none", "--heads", str(tmp_path / "h"), *option])
    assert isinstance(done.exception, ConfigError)
    assert told in str(done.exception)
    assert not (tmp_path / "h").exists()
