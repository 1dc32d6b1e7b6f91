"""A run whose time is cut: figures of users, live and frozen, in a result that says by which protocol."""

import json
from pathlib import Path

import numpy as np
import polars as pl
from typer.testing import CliRunner

from simulations.cli.main import app

BEGIN, DAY = 1_700_000_000, 86_400
USERS, ITEMS, EVENTS = 60, 30, 12


def shop(folder: Path) -> Path:
    """Users who meet one item a day, most of them one of three that change every ten days."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    rows = [
        (user, int(rng.integers(ITEMS) if rng.random() < 0.4 else (3 * (day // 10) + rng.integers(3)) % ITEMS), day)
        for user in range(USERS)
        for day in sorted(rng.choice(60, EVENTS, replace=False).tolist())
    ]
    events = pl.DataFrame(rows, schema=["user_id", "item_id", "day"], orient="row")
    events = events.with_columns(timestamp=BEGIN + pl.col("day") * DAY + pl.col("user_id")).drop("day")
    events.write_parquet(folder / "events.parquet")
    texts = [f"thing {item} of kind {item % 5}" for item in range(ITEMS)]
    pl.DataFrame({"item_id": range(ITEMS), "text": texts}).write_parquet(folder / "items.parquet")
    return folder


def test_says_what_lists_are_worth_live_and_frozen_and_counts_each_user_once(tmp_path: Path) -> None:
    line = f"shop={shop(tmp_path / 'shop')},repeats=keep"
    options = ["--methods", "local,popularity", "--split", "time:70,10,20", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["run", "--platform", line, *options])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (document["config"]["protocol"], document["config"]["split"]) == ("basket", "time:70,10,20")
    platform = document["platforms"]["shop"]
    local = platform["methods"]["local"]
    users = pl.read_parquet(tmp_path / "out" / "per_user.parquet").filter(pl.col("method") == "local")
    assert users.height == users["user"].n_unique() == platform["test_users"] <= USERS
    assert np.isclose(users["ndcg@10"].mean(), local["ndcg@10"])
    assert local["frozen_ndcg@10"] != local["ndcg@10"]
    assert platform["methods"]["popularity"]["frozen_ndcg@10"] == platform["methods"]["popularity"]["ndcg@10"]
