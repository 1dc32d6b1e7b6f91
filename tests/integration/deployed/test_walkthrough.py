"""docs/deploy.md, followed word by word: from an empty folder to three platforms that recommend."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.system.free_port import free_port
from tests.integration.commands import REPOSITORY, finished, start
from tests.integration.deployed.deployment import SECONDS, processes_of

pytestmark = pytest.mark.engine
DOCUMENT = REPOSITORY / "docs" / "deploy.md"
MOST = 15
PORT = "9443"
PLATFORMS = ("shop", "second-shop", "films")


def commands() -> list[list[str]]:
    """The walkthrough's lines, as a shell takes them apart."""
    block = re.search(r"<!-- walkthrough -->\n+```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert block, DOCUMENT
    return [shlex.split(line) for line in block[1].splitlines()]


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """An empty folder; what runs of it afterwards is ended."""
    yield tmp_path
    for one in (one for name in ("coordinator", *PLATFORMS) for one in processes_of(tmp_path / name)):
        one.kill()


def test_takes_at_most_fifteen_commands_none_of_which_is_two() -> None:
    assert 0 < len(commands()) <= MOST
    for words in commands():
        assert words[0] in {"graft-sim", "graft-client", "graft-server"}
        assert not {";", "&&", "||", "|", "&", "do", "done"} & set(words)


@pytest.mark.slow
def test_ends_with_three_platforms_that_recommend(folder) -> None:
    port = str(free_port())
    shown = []
    for words in commands():
        here = [word.replace(PORT, port) for word in words]
        done = finished(start(*here, folder=folder), seconds=2 * SECONDS)
        assert done.returncode == 0, f"{here}: {done.stdout}{done.stderr}"
        shown.append(done.stdout)
    assert "run 1 is completed" in "".join(shown)
    for name, listed in zip(PLATFORMS, shown[-len(PLATFORMS) :], strict=True):
        assert f"{name}-0" in listed, listed
    history = json.loads((folder / "coordinator" / "runs" / "0001" / "out" / "rounds.json").read_text("utf-8"))
    assert {tuple(entry["platforms"]) for entry in history} == {tuple(sorted(PLATFORMS))}
    for name in PLATFORMS:
        told = json.loads(finished(start("graft-client", "audit", name, "--json", folder=folder)).stdout)
        assert [line["task"] for line in told["left"]].count("train") == 2
        assert (folder / name / "vault" / "served.sealed").is_file()
