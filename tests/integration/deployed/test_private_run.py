"""A private run of real processes: what leaves, what it costs, and what no longer leaves then."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.data.folder_options import SharedPreparation
from client.guard.ledger import Ledger
from server.coordinator.home import ServerHome
from server.rounds.known_ledgers import KnownLedgers
from shared.encoder.file import load_encoder
from shared.federation.cross_cells import CrossGrid
from shared.system.settings_file import read_settings, to_toml
from tests.integration.commands import run
from tests.integration.deployed.deployment import SECONDS, Deployment, deployment
from tests.integration.deployed.private_things import PrivateThings, shapes, write_canaries
from tests.integration.deployed.recorder import Recorder, recording
from tests.small_space import SPACE

pytestmark = pytest.mark.engine
NAMES = ("north", "south")
PRIVATE = ("--privacy", "private", "--epsilon", "100")
USERS, ITEMS = 4_000, 37
"""so many that hashed texts pay at this ε"""
Watched = tuple[Deployment, Recorder]


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[Watched]:
    """North reaches the coordinator through the recorder."""
    from dataclasses import replace

    folder = tmp_path_factory.mktemp("private")
    made_of = deployment(folder, NAMES, users=USERS, promise=PRIVATE)
    with made_of as made, recording(folder, made.port, made.server / "tls" / "ca.crt") as recorder:
        home = AgentHome(made.agent("north"))
        settings = read_settings(AgentSettings, home.settings)
        home.settings.write_bytes(to_toml(replace(settings, server=f"localhost:{recorder.port}")))
        authority = home.authority.read_bytes()
        home.authority.write_bytes(recorder.authority.read_bytes() + _tasks_key(authority))
        write_canaries(made.data("north"), items=ITEMS, users=USERS)
        made.on_server("start", "--background")
        for name in NAMES:
            made.on_agent("start", name, "--background")
        yield made, recorder


def _tasks_key(authority: bytes) -> bytes:
    """What stands behind the certificate: the public half of the key that signs tasks."""
    return authority[authority.rindex(b"-----BEGIN") :] if authority.count(b"-----BEGIN") > 1 else b""


def ran(made: Deployment, *options: str) -> list[dict]:
    """The history of a run."""
    arguments = ("--min-platforms", "2", "--set", "wait-seconds=600")
    run("graft-server", "run", made.server, *options, *arguments, seconds=SECONDS)  # 2 where no platform took part
    newest = max((made.server / "runs").iterdir())
    return json.loads(next(newest.rglob("rounds.json")).read_text("utf-8"))


def privacy(made: Deployment, name: str) -> dict:
    return json.loads(made.on_agent("privacy", name, "--json"))


def test_a_private_run_releases_the_cross_moment_alone_and_charges_each_user_once(watched) -> None:
    made, recorder = watched
    recorder.taken()
    history = ran(made, *PRIVATE)
    assert [entry["kind"] for entry in history] == ["evaluate", "moments", "evaluate"]
    assert all(entry["platforms"] == list(NAMES) for entry in history), history
    assert all(set(entry["validation"]["north"]) == {"both"} for entry in history if entry["kind"] == "evaluate")
    for name in NAMES:
        found = privacy(made, name)
        assert found["spent_epsilon"] == pytest.approx(100.0)
        assert found["able_users"] == 0
        kinds = [line.kind for line in Ledger(AgentHome(made.agent(name)).ledger).lines()[0]]
        assert kinds == ["evaluate-reply", "cross-reply", "evaluate-reply"]
    sent = b"\n".join(body for _, body in recorder.taken())
    assert (CrossGrid(dim=SPACE.dim).layout.size,) in shapes(sent)
    assert _private(made, "north").found_in(sent) == set()


def test_another_run_gets_what_was_released_and_costs_nothing(watched) -> None:
    made, _recorder = watched
    before = [privacy(made, name)["ledger"] for name in NAMES]
    history = ran(made, *PRIVATE)
    ran(made, *PRIVATE, "--set", "evaluate-every=0")
    encoder, card = load_encoder(made.server / "encoder.safetensors")
    assert (encoder.spec.linear, card.privacy) == ("cross", {"epsilon": 100.0, "delta": 1e-6})
    moments = next(entry for entry in history if entry["kind"] == "moments")
    assert moments["platforms"] == list(NAMES)
    assert [privacy(made, name)["ledger"] for name in NAMES] == before
    assert {reason for entry in history for reason in entry["declined"].values()} == {"privacy-budget"}
    ledgers = KnownLedgers(ServerHome(made.server).ledgers)
    for name in NAMES:
        assert [entry.released for entry in ledgers.of(name).entries] == ["cross", "seen"]
        assert ledgers.of(name).entries[-1].epsilon == pytest.approx(100.0)


def test_nothing_leaves_in_a_plain_run_and_none_beyond_the_promise(watched) -> None:
    made, _recorder = watched
    plain = ran(made, "--rounds", "1")
    assert all(entry["declined"] == dict.fromkeys(NAMES, "privacy") for entry in plain)
    more = ran(made, "--privacy", "private", "--epsilon", "100", "--delta", "1e-5")
    assert all(entry["declined"] == dict.fromkeys(NAMES, "privacy-budget") for entry in more)


def _private(made: Deployment, name: str) -> PrivateThings:
    import tomllib

    from client.rounds.workspace import NodeSettings, open_data
    from client.store.head_store import open_heads

    settings = NodeSettings.from_node_config(tomllib.loads(AgentHome(made.agent(name)).node_config.read_text("utf-8")))
    shared = SharedPreparation.of(settings)
    platform = open_data(settings.platform, settings.seed, None, settings.features, shared).platform
    return PrivateThings.of(platform, open_heads(Path(settings.heads), settings.vault_key))
