"""What operators install by holds together: units, compose file, Dockerfile, and nothing is told to anybody."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from client.agent.home import AgentHome, AgentSettings
from client.agent.programs import agent_programs
from client.cli.main import app as client
from server.cli.main import app as server
from server.coordinator.home import ServerHome
from server.engine.supervisor import engine_programs

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMMANDS = {"graft-server": typer.main.get_command(server), "graft-client": typer.main.get_command(client)}
KNOWN = {
    "Unit": {"Description", "Documentation", "Wants", "After", "StartLimitIntervalSec"},
    "Service": {
        *("Type", "User", "Group", "Environment", "EnvironmentFile", "ExecStart", "Restart", "RestartSec", "KillMode"),
        *("TimeoutStopSec", "UMask", "NoNewPrivileges", "ProtectSystem", "ProtectHome", "ReadWritePaths", "PrivateTmp"),
        *("PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups"),
        *("RestrictSUIDSGID", "LockPersonality", "RestrictAddressFamilies"),
    },
    "Install": {"WantedBy"},
}
"""of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.kill(5), those that the units use"""
SERVICE_KEYS = {
    *("build", "image", "restart", "init", "read_only", "cap_drop", "security_opt", "tmpfs", "command", "ports"),
    *("volumes", "stop_grace_period", "network_mode", "environment"),
}
"""of the compose specification, those that the file uses"""
INSTRUCTIONS = {"FROM", "RUN", "ENV", "USER", "WORKDIR", "VOLUME", "CMD"}


def unit(path: Path) -> dict[str, dict[str, str]]:
    """Section to key to value; a key stands once."""
    found: dict[str, dict[str, str]] = {}
    for line in (line.strip() for line in path.read_text("utf-8").splitlines()):
        if line.startswith("["):
            section = found.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            assert key not in section, line
            section[key] = value
    return found


def takes(words: list[str]) -> bool:
    """Whether the command line is one that the program takes: its command, every option and every value."""
    command = COMMANDS[Path(words[0]).name]
    context = command.make_context(Path(words[0]).name, words[1:], resilient_parsing=True)
    name, chosen, rest = command.resolve_command(context, words[1:])
    return chosen.make_context(name, list(rest), parent=context).params is not None


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_says_only_what_systemd_knows_and_starts_a_command_that_there_is(path) -> None:
    found = unit(path)
    assert {section: set(keys) - KNOWN[section] for section, keys in found.items()} == {
        section: set() for section in KNOWN
    }
    words = shlex.split(found["Service"]["ExecStart"].replace("%i", "shop"))
    assert words[0].startswith("/opt/graft/bin/")
    assert takes(words)
    assert found["Service"]["User"] == "graft"
    assert found["Service"]["Restart"] == "always"
    assert found["Unit"]["StartLimitIntervalSec"] == "0"


def test_there_is_a_unit_for_each_program() -> None:
    assert [path.name for path in UNITS] == ["graft-agent@.service", "graft-serve@.service", "graft-server.service"]


def test_an_option_that_is_not_there_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        takes(["graft-server", "start", "--nowhere"])


def test_compose_knows_its_keys_and_starts_commands_that_there_are() -> None:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert set(found) == {"x-graft", "services", "volumes"}
    assert set(found["services"]) == {"coordinator", "agent", "serve"}
    for service in found["services"].values():
        assert set(service) <= SERVICE_KEYS
        assert takes(service["command"])
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        named = {mount.partition(":")[0] for mount in service["volumes"]}
        assert named <= set(found["volumes"])
    assert found["services"]["coordinator"]["ports"] == ["9443:9443"]


def test_the_image_is_built_without_a_network_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    words = [line.split(maxsplit=1) for line in lines]
    assert {instruction for instruction, _ in words} == INSTRUCTIONS
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", words[0][1])  # never `latest`
    installs = [rest for instruction, rest in words if instruction == "RUN" and "pip install" in rest]
    assert len(installs) == 1
    assert "--no-index" in installs[0]
    assert "--no-cache-dir" in installs[0]
    users = [rest for instruction, rest in words if instruction == "USER"]
    assert users == ["10001"]
    command = yaml.safe_load(dict(words)["CMD"])
    assert takes(command)


def test_no_program_of_the_engine_tells_anybody_anything(tmp_path) -> None:
    home, agent = ServerHome(tmp_path), AgentHome(tmp_path)
    settings = AgentSettings(server="shops.example:9443", name="north", data="/data/north")
    programs = [one for one in (*engine_programs(home, 7), *agent_programs(agent, settings, 7)) if one.name != "proxy"]
    assert [one.name for one in programs] == ["superlink", "superexec", "supernode", "tasks", "superexec"]
    for one in programs:
        assert one.environment["FLWR_TELEMETRY_ENABLED"] == "0"
        assert one.environment["FLWR_DISABLE_UPDATE_CHECK"] == "1"
        assert one.environment["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
