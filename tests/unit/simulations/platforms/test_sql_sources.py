"""A run takes a platform whose data are in a database."""

from pathlib import Path

import pytest

from client.data.spec import parse_platform_spec
from shared.errors import ConfigError
from simulations.config.run_config import RunConfig
from simulations.platforms.run_platforms import check_folders, open_platforms
from simulations.run.run_identity import run_identity
from tests.unit.client.data.sql.shop import NEW_PURCHASE, change, write_shop


def shop_run(folder: Path, **changes: object) -> RunConfig:
    source = write_shop(folder, **changes)
    specs = (parse_platform_spec(f"one={source}"), parse_platform_spec(f"two={source},users=0-50"))
    return RunConfig(platforms=specs, sources=("one",))


def test_makes_a_folder_of_what_the_database_gives_now(tmp_path: Path) -> None:
    specs, world = open_platforms(shop_run(tmp_path / "shop"), tmp_path / "work")
    assert world is None
    assert [spec.path for spec in specs] == [tmp_path / "work" / "one", tmp_path / "work" / "two"]
    assert all((spec.path / "events.parquet").is_file() for spec in specs)
    assert specs[1].users == (0, 50)


def test_refuses_a_source_without_its_password_before_the_run(tmp_path: Path) -> None:
    config = shop_run(tmp_path / "shop", password="env:NO_SUCH_VARIABLE_HERE")
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE_HERE is not set"):
        check_folders(config)


def test_is_another_run_once_the_database_gives_other_rows(tmp_path: Path) -> None:
    config = shop_run(tmp_path / "shop")
    before = run_identity(config)["platforms"]
    assert run_identity(config)["platforms"] == before
    change(tmp_path / "shop", NEW_PURCHASE, [(999, "user-1", "sku-1", 1_700_000_999, 5.0)])
    assert run_identity(config)["platforms"]["one"] != before["one"]
