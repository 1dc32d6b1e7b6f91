"""``graft-sim world``: the synthetic platforms as folders that every command takes."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from client.data.check import check_folder
from shared.errors import ConfigError
from simulations.cli.main import app
from simulations.synthetic.config import PLANS, WorldConfig
from simulations.synthetic.folders import write_world

SHARE = 0.1


def test_writes_a_sound_folder_for_each_platform_of_the_share_of_its_users(tmp_path) -> None:
    written = write_world(tmp_path, WorldConfig(), share=SHARE, seed=0)
    assert len(written) == len(PLANS)
    for plan, folder in zip(PLANS, written, strict=True):
        assert check_folder(tmp_path / plan.name, limit=1).sound
        users = pl.read_parquet(tmp_path / plan.name / "events.parquet")["user_id"].n_unique()
        assert users == round(SHARE * plan.users)
        assert (folder.folder, folder.users) == (tmp_path / plan.name, users)
        assert f"{users:,} users" in folder.line()


def test_prints_one_json_document_of_what_was_written(tmp_path) -> None:
    done = CliRunner().invoke(app, ["world", "--out", str(tmp_path), "--share", str(SHARE), "--json"])
    told = json.loads(done.stdout)
    assert [one["folder"] for one in told] == [str(tmp_path / plan.name) for plan in PLANS]
    assert [one["domain"] for one in told] == [plan.domain for plan in PLANS]
    events = [pl.read_parquet(tmp_path / plan.name / "events.parquet").height for plan in PLANS]
    assert [one["events"] for one in told] == events


def test_the_same_seed_gives_the_same_events(tmp_path) -> None:
    for place in ("one", "other"):
        write_world(tmp_path / place, WorldConfig(), share=SHARE, seed=3)
    assert pl.read_parquet(tmp_path / "one/shop/events.parquet").equals(
        pl.read_parquet(tmp_path / "other/shop/events.parquet")
    )


@pytest.mark.parametrize(("share", "drift"), [(0.0, 0.2), (1.5, 0.2), (0.1, 2.0)])
def test_refuses_what_cannot_be(tmp_path, share, drift) -> None:
    with pytest.raises(ConfigError):
        write_world(tmp_path, WorldConfig(drift=drift), share=share, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_writes_over_nothing(tmp_path) -> None:
    (tmp_path / "films").mkdir()
    with pytest.raises(ConfigError, match="films: exists already"):
        write_world(tmp_path, WorldConfig(), share=SHARE, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["films"]
