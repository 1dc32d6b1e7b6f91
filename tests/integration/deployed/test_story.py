"""examples/news_to_shops plays to its end, and what people click there is in the next round."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from client.agent.home import AgentHome
from client.rounds.workspace import NodeSettings
from client.serving.private_folder import open_private_folder
from client.serving.reported_events import RECORD
from client.store.head_store import open_records
from tests.integration.commands import REPOSITORY
from tests.integration.deployed.deployment import SECONDS, processes_of

pytestmark = pytest.mark.engine
STORY = REPOSITORY / "examples" / "news_to_shops"


def play(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The example as a person starts it."""
    return subprocess.run(
        [sys.executable, str(STORY), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=5 * SECONDS,
        check=False,
    )


@pytest.mark.slow
def test_plays_to_its_end_and_leaves_nothing_running(tmp_path) -> None:
    done = play("--out", tmp_path / "story", "--share", "0.3", "--rounds", "1", "--visitors", "10")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("is completed") == 2
    assert [f"release {version}: " in done.stdout for version in (1, 2)] == [True, True]
    assert "is not the one that was signed" in done.stdout.split("changes one byte")[1]
    homes = [tmp_path / "story" / name for name in ("coordinator", "shop", "second-shop", "films")]
    assert [one for home in homes for one in processes_of(home)] == []
    shop = AgentHome(homes[1])
    node = NodeSettings.from_node_config(tomllib.loads(shop.node_config.read_text("utf-8")))
    task, until = json.loads(open_records(shop.vault, node.vault_key).read(RECORD) or b"")
    clicks = [one for one in open_private_folder(shop.vault, node.vault_key).reported() if one.number <= until]
    assert task.endswith("/1")
    assert {one.facts["kind"] for one in clicks} == {"feedback"}
    assert len(clicks) > 10


def test_does_not_play_into_a_folder_that_holds_something(tmp_path) -> None:
    (tmp_path / "mine").write_text("kept", "utf-8")
    done = play("--out", tmp_path)
    assert done.returncode == 2
    assert "exists already and is not an empty folder" in done.stderr
