"""Stopping ends a supervisor, or what one that was killed has left; that nothing runs is told."""

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.cli.start import stop
from shared.errors import ConfigError
from shared.system.processes.supervision import Supervision
from shared.system.settings_file import to_toml
from tests.unit.shared.system.processes.leftovers import left_behind


def test_ends_what_a_killed_supervisor_left_and_says_so(tmp_path) -> None:
    one = Supervision(what="the server", state=tmp_path, logs=tmp_path)
    with left_behind(tmp_path, "superlink") as process:
        named = f"its supervisor was killed, and 1 of its programs still run: superlink (process {process})"
        assert one.left() == named
        with one.alone():
            assert one.left() == ""
        assert one.stop() == "its supervisor had been killed; what it left running is ended: superlink"
        assert one.left() == ""
    with pytest.raises(ConfigError, match="the server does not run"):
        one.stop()


def test_the_command_that_stops_an_agent_says_what_it_ended(tmp_path, capsys) -> None:
    home = AgentHome(tmp_path)
    home.state.mkdir()
    home.settings.write_bytes(to_toml(AgentSettings(server="shops.example:9443", name="north", data="/data/north")))
    with left_behind(home.state, "supernode"):
        stop(home.folder)
    assert capsys.readouterr().out.endswith("what it left running is ended: supernode\n")
