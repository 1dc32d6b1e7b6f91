"""A platform in its beginnings, reported beside what it is with all its users."""

from pathlib import Path

import polars as pl

from client.data.folder_options import Preparation
from client.data.preparation import prepare
from client.data.source import read_folder
from simulations.config.run_config import RunConfig
from simulations.run.run_command import execute
from simulations.run.whole_run import run
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

METHODS = ("popularity", "stack", "local", "zero-shot", "feature")


def test_reports_a_platform_with_few_users_under_the_methods_of_a_cold_start(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path / "tiny")
    options = {
        "source": "shop",
        "platform": [f"shop={folder},users=0-55", f"branch={folder},users=75-100"],
        "methods": ",".join(METHODS),
        "report": "branch",
        "encoder": "tiny",
        "features": FEATURES,
        "cold-start": "branch",
        "diversity": 0.4,
    }
    document = execute(RunConfig.from_dict(options), tmp_path / "out", runner=run, say=lambda _: None, force=False)
    branch = document["platforms"]["branch"]
    assert branch["train_users"] == branch["test_users"] == 60
    assert list(document["platforms"]) == ["branch"]
    beginnings = document["cold_start"]["branch"]
    assert {users: list(entry["methods"]) for users, entry in beginnings.items()} == {
        users: ["popularity", "local", "feature", "served"] for users in ("10", "30")
    }
    assert {entry["test_users"] for entry in beginnings.values()} == {60}
    served = branch["methods"]["served"]
    plain = branch["methods"][branch["gate"][0]["served"]]
    assert served["diversity@10"] > plain["diversity@10"]
    assert served["trade_off"]["diversity@10"][0] == plain["diversity@10"]
    assert served["trade_off"]["ndcg@10"][0] == plain["ndcg@10"]
    users = pl.read_parquet(tmp_path / "out" / "per_user.parquet")
    assert set(users["platform"]) == {"branch", "branch@10", "branch@30"}
    platform = prepare(read_folder(folder), Preparation(users=(75, 100)), name="branch", seed=0)
    assert set(users["user"]) == set(platform.user_numbers)
    assert "<h2>New platforms</h2>" in (tmp_path / "out" / "report.html").read_text()
