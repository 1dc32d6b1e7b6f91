"""What an operator asks of a run, and what is not a run."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from server.cli.main import app
from server.cli.run import asked_config
from server.coordinator.home import ServerHome
from server.engine.followed_run import begin
from shared.errors import ConfigError


def test_named_options_and_settings_come_together() -> None:
    config = asked_config({"rounds": 3}, ["local-tokens=64", "moments=false", "ridge=0.5", "aggregation=fedadam"])
    assert (config.rounds, config.seed, config.local.tokens) == (3, 0, 64)
    assert (config.moments, config.ridge, config.aggregation) == (False, 0.5, "fedadam")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour=red", "expected KEY=VALUE with a KEY of"),
        ("rounds", "expected KEY=VALUE"),
        ("rounds=many", "rounds must be a whole number; got 'many'"),
        ("moments=1", "moments must be true or false; got '1'"),
        ("aggregation=best", "aggregation must be one of"),
        ("server-learning-rate=inf", "server-learning-rate must be a finite number; got inf"),
        ("rounds=-1", "rounds must be 0 or more"),
    ],
)
def test_says_what_is_wrong_with_a_setting(text, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        asked_config({}, [text])


def test_a_run_needs_a_server(tmp_path) -> None:
    home = ServerHome(tmp_path)
    home.state.mkdir()
    with pytest.raises(ConfigError, match="the server does not run; start it with graft-server start"):
        begin(home, asked_config({}, []))


def test_prints_the_history_as_json_at_the_end_and_the_course_aside(tmp_path, monkeypatch) -> None:
    begun = SimpleNamespace(number=3, history=lambda: [{"kind": "train", "round": 1}])
    monkeypatch.setattr("server.coordinator.home.ServerHome.existing", ServerHome)
    monkeypatch.setattr("server.engine.followed_run.begin", lambda *_: begun)
    monkeypatch.setattr("server.engine.followed_run.follow", lambda _run, _home, console: console.print("round 1"))
    done = CliRunner().invoke(app, ["run", str(tmp_path), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout) == {"run": 3, "history": [{"kind": "train", "round": 1}]}
    assert done.stderr == "round 1\n"
