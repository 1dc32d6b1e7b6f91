"""What a platform's operator can set, and what an agent's programs make of it."""

import os

import pytest
from flwr.common.config import parse_config_args

from client.agent.home import AgentHome, AgentSettings
from client.agent.new_agent import make_agent
from client.agent.programs import agent_programs, write_node_config
from client.api.fits import ask_fit
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from client.guard.ledger import PLACE
from client.rounds.workspace import NodeSettings
from shared.errors import ConfigError
from shared.system.settings_file import read_settings, to_toml

GIVEN = {"server": "shops.example:9443", "name": "north", "data": "/data/north,min-rating=4"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"server": "shops.example"}, "expected HOST:PORT"),
        ({"name": "a b"}, "a platform's name must be"),
        ({"data": "/data,colour=red"}, "colour"),
        ({"vault_key": "vault.key"}, "the vault's key must be"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"memory_mib": -1}, "memory-mib must be 0 or more"),
        ({"http_proxy": "shops.example:80"}, "http-proxy must be http://HOST:PORT or empty"),
    ],
)
def test_says_what_is_wrong(change, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        AgentSettings(**{**GIVEN, **change})


def test_makes_no_folder_for_a_feature_space_that_there_is_not(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"features must be hashing.*; got 'foo'"):
        make_agent(tmp_path / "agent", AgentSettings(**GIVEN, features="foo"), tmp_path / "ca.crt")
    assert not (tmp_path / "agent").exists()


def test_reads_what_it_wrote(tmp_path) -> None:
    settings = AgentSettings(**GIVEN, threads=2, http_proxy="http://proxy.example:3128")
    (tmp_path / "settings.toml").write_bytes(to_toml(settings))
    assert read_settings(AgentSettings, tmp_path / "settings.toml") == settings


def test_the_limits_and_the_way_out_reach_the_programs(tmp_path) -> None:
    home = AgentHome(tmp_path)
    settings = AgentSettings(**GIVEN, threads=2, memory_mib=3, http_proxy="http://proxy.example:3128")
    supernode, tasks, superexec = agent_programs(home, settings, 7)
    assert (tasks.environment, tasks.memory_bytes, tasks.folder) == (
        superexec.environment,
        superexec.memory_bytes,
        superexec.folder,
    )
    assert supernode.environment["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert superexec.environment["OMP_NUM_THREADS"] == "2"
    assert superexec.memory_bytes == 3 * 2**20
    assert superexec.environment["PATH"].split(os.pathsep)[0] == str(home.programs)
    assert "--insecure" not in supernode.command
    assert supernode.command[supernode.command.index("--host") + 1] == "127.0.0.1"


def test_holds_the_libraries_of_a_task_only_where_it_may(tmp_path) -> None:
    frugal = AgentSettings(**GIVEN, keep_loaded=False)
    assert [one.name for one in agent_programs(AgentHome(tmp_path), frugal, 7)] == ["supernode", "superexec"]


def test_the_platform_reaches_its_app_whatever_its_folder_is_called(tmp_path) -> None:
    settings = AgentSettings(**{**GIVEN, "data": '/data/no "north" = here'})
    home = AgentHome(tmp_path)
    home.state.mkdir()
    write_node_config(home, settings)
    supernode, *_ = agent_programs(home, settings, 7)
    config = parse_config_args([supernode.command[-1]])
    assert NodeSettings.from_node_config(config) == settings.node(home)
    assert settings.node(home).heads == str(tmp_path / "vault")


def test_vault_policy_and_ledger_reach_the_app_by_their_places_and_no_key_does(tmp_path) -> None:
    home = AgentHome(tmp_path)
    node = AgentSettings(**GIVEN, vault_key="file:vault.key", policy="policy.toml").node(home)
    assert node.vault_key == f"file:{tmp_path / 'vault.key'}"
    assert node.policy == str(tmp_path / "policy.toml")
    assert node.ledger == str(tmp_path / PLACE)
    assert AgentSettings(**GIVEN, vault_key="env:SHOP_KEY").node(home).vault_key == "env:SHOP_KEY"
    assert AgentSettings(**GIVEN, vault_key="file:/run/keys/shop").node(home).vault_key == "file:/run/keys/shop"


@pytest.mark.parametrize("heads", [None, "heads"])
def test_a_folder_that_is_not_there_is_named_as_neither(tmp_path, heads) -> None:
    with pytest.raises(ConfigError, match=r"shpo: expected a platform folder, found nothing, nor an agent's folder"):
        ask_fit(str(tmp_path / "shpo"), tmp_path / "encoder", DataSettings(), FitSettings(), heads=heads)
