"""Every platform folder of the data collection runs as it is: hashed, and with its own vectors."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.data.check import check_folder
from simulations.cli.main import app
from simulations.results.result_document import read_result
from tests.integration.commands import REPOSITORY

DATA = Path(os.environ.get("GRAFT_DATA", REPOSITORY.parent / "shared" / "data"))
FOLDERS = {
    "amazon_beauty": ("", 40),
    "amazon_games": ("", 60),
    "amazon_giftcards": (",min-rating=4", 5),
    "amazon_industrial": ("", 5),
    "amazon_sports": ("", 40),
    "amazon_toys": ("", 40),
    "lastfm_music": (",order=none", 20),
    "mind_news": ("", 20),
    "movielens_small": (",min-rating=4", 20),
    "steam_games": (",order=none", 20),
    "uci_retail": (",repeats=keep", 20),
}
"""Folder: (options of its platform, least events of an item, which keeps large catalogues quick)."""
METHODS = ("popularity", "content-knn")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real platforms is not here")


@pytest.mark.parametrize("name", FOLDERS)
def test_keeps_the_data_contract(name: str) -> None:
    report = check_folder(DATA / name)
    assert report.sound, report.lines()


@pytest.mark.parametrize("features", ["hashing", "precomputed"])
@pytest.mark.parametrize("name", FOLDERS)
def test_is_prepared_and_ranked(name: str, features: str, tmp_path: Path) -> None:
    own, least = FOLDERS[name]
    options = ["--platform", f"{name}={DATA / name},max-users=200{own}", "--min-item-events", str(least)]
    options += ["--methods", ",".join(METHODS), "--features", features, "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["run", *options])
    assert done.exit_code == 0, done.exception
    found = read_result(tmp_path / "out" / "result.json")["platforms"][name]
    assert 150 <= found["users"] <= 200
    assert found["items"] > 50
    assert tuple(found["methods"]) == METHODS
    chance = 10 / found["items"]
    assert max(method["recall@10"] for method in found["methods"].values()) > chance
