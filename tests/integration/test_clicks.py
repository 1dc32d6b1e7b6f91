"""Click prediction as a run's user meets it."""

import json
from pathlib import Path
from typing import Any

from client.clicks.click_head import ClickHead
from client.store.head_store import HeadStore
from simulations.config.run_config import RunConfig
from simulations.results.result_document import without_times
from simulations.run.run_command import execute
from simulations.run.whole_run import run
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES
from tests.unit.client.data.clicks import click_folder

METHODS = ("popularity", "local", "feature")


def executed(folder: Path, out: Path, **options: object) -> dict[str, Any]:
    """A run of a shop that pretrains and a news platform that has impressions."""
    platforms = [f"shop={folder / 'shop'}", f"news={folder / 'news'}"]
    config = {"source": "shop", "platform": platforms, "report": "news", "encoder": "tiny"}
    config |= {"features": FEATURES, **options}
    return execute(RunConfig.from_dict(config), out, runner=run, say=lambda _line: None, force=False)


def folders(path: Path) -> Path:
    write_tiny_folder(path / "shop")
    click_folder(path / "news")
    return path


def test_predicts_clicks_with_and_without_a_received_encoder_the_same_each_time(tmp_path: Path) -> None:
    folder = folders(tmp_path)
    first, again = (executed(folder, tmp_path / name, methods=list(METHODS)) for name in ("first", "again"))
    block = first["platforms"]["news"]["clicks"]
    assert json.dumps(without_times(first)) == json.dumps(without_times(again))
    assert tuple(block["methods"]) == METHODS
    assert block["impressions"]["test"] == 120
    heads = HeadStore(tmp_path / "first" / "work" / "heads" / "seed-0" / "news")
    stored = heads.read("click-feature")
    assert stored is not None
    assert "received:sequence" in ClickHead.from_stored(stored).config.columns
    for method in ("local", "feature"):
        seen = ClickHead.from_stored(heads.read(f"click-{method}")).config.columns
        assert {"clicked@0.25h", "shown@0.25h", "rate@0.25h", "shown-age"} <= set(seen)
    # here users click what follows their history, which popularity cannot tell
    assert block["methods"]["local"]["auc"] > block["methods"]["popularity"]["auc"] + 0.1


def test_predicts_none_where_it_is_switched_off(tmp_path: Path) -> None:
    document = executed(folders(tmp_path), tmp_path / "out", methods="popularity", clicks="off")
    assert document["platforms"]["news"]["clicks"] is None
    assert document["config"]["clicks"] == "off"


def test_predicts_by_popularity_where_no_stack_was_asked_for(tmp_path: Path) -> None:
    document = executed(folders(tmp_path), tmp_path / "out", methods="popularity")
    methods = document["platforms"]["news"]["clicks"]["methods"]
    assert tuple(methods) == ("popularity",)
    assert methods["popularity"]["tuned"]["only"][0] in ("met", "clicked@0.25h")
