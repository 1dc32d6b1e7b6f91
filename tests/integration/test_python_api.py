"""A notebook's way: from data frames to lists with reasons, by functions alone; and that commands say the same."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import graft
from tests.integration.commands import run
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_folder(tmp_path_factory.mktemp("api") / "shop")


@pytest.fixture(scope="module")
def encoder(shop: Path) -> Path:
    file = shop.parent / "encoder.safetensors"
    outcome = graft.pretrain(f"{shop},users=0-50", file, encoder="tiny", features=FEATURES)
    assert outcome.parameters > 0
    assert 0 < outcome.best_validation <= 1
    return file


@pytest.fixture(scope="module")
def heads(shop: Path, encoder: Path) -> Path:
    place = shop.parent / "heads"
    verdict = graft.fit(f"{shop},users=50-100", encoder, heads=place, features=FEATURES, own=False)
    assert verdict.served in {"local", "feature"}
    assert verdict.reason
    return place


def test_lists_have_a_row_for_each_user_and_item_with_reasons(shop: Path, heads: Path) -> None:
    users = graft.read_platform(shop).events["user_id"].unique().sort().tail(3).to_list()
    lists = graft.recommend(heads, [*users, None], k=5)
    assert lists.columns == ["user", "rank", "item", "title", "score", "scorers", "history"]
    assert lists["user"].to_list() == [str(user) for user in users for _ in range(5)] + [None] * 5
    assert lists["rank"].to_list() == [1, 2, 3, 4, 5] * 4
    assert lists.filter(pl.col("user") == str(users[0]))["history"].list.len().min() >= 1
    command = run("graft-client", "recommend", "--heads", heads, "--user", users[0], "--k", 5, "--json")
    assert [row["item"] for row in json.loads(command.stdout)] == lists["item"].head(5).to_list()


def test_one_id_is_one_user_however_its_number_is_written(shop: Path, heads: Path) -> None:
    user = graft.read_platform(shop).events["user_id"].max()
    expected = graft.recommend(heads, [user], k=2, reasons=False)
    assert expected["user"].to_list() == [str(user)] * 2
    for written in (user, str(user), float(user), np.int64(user), f"{user}.0", pl.Series([user]), [float(user)]):
        items = graft.recommend(heads, written, k=2, reasons=False)["item"]
        assert items.to_list() == expected["item"].to_list(), written


def test_what_is_unknown_is_one_sentence(heads: Path) -> None:
    with pytest.raises(graft.DataError, match=r"user 'nobody' is not among the users.*\(None in Python"):
        graft.recommend(heads, ["nobody"])
    refused = run("graft-client", "recommend", "--heads", heads, "--user", "nobody")
    assert refused.returncode == 2
    assert "user 'nobody' is not among" in refused.stderr
    with pytest.raises(graft.ConfigError, match=r"texts or whole numbers, or None for somebody unknown; got 7\.5"):
        graft.recommend(heads, [7.5])
    with pytest.raises(graft.ConfigError, match="k must be 1 or more; got 0"):
        graft.recommend(heads, k=0)


def test_an_evaluation_is_a_table_that_the_command_prints_too(shop: Path, encoder: Path) -> None:
    platform = f"{shop},users=50-100"
    found = graft.evaluate(platform, encoder, features=FEATURES, own=False)
    table = found.to_frame()
    assert table.filter("served")["method"].to_list() == [found.served]
    assert table.filter(pl.col("method") == "local")["lift"].is_null().all()
    flags = ["--encoder", encoder, "--features", FEATURES, "--no-own", "--json"]
    told = json.loads(run("graft-client", "evaluate", platform, *flags).stdout)
    assert {name: one["ndcg"] for name, one in told["methods"].items()} == dict(table.select("method", "ndcg").rows())


def test_an_assessment_says_both_answers(shop: Path, encoder: Path) -> None:
    found = graft.assess(f"{shop},users=50-100", encoder, features=FEATURES, own=False)
    assert found.to_json()
    assert found.lines()


def test_an_option_that_there_is_not_is_named(shop: Path, encoder: Path) -> None:
    with pytest.raises(graft.ConfigError, match=r"unknown option 'seeed'; options are .*seed.*methods"):
        graft.assess(shop, encoder, seeed=1)
    with pytest.raises(graft.ConfigError, match=r"methods must be one or more of .*'nothing'"):
        graft.fit(shop, encoder, heads="heads", methods=["feature", "nothing"])
    with pytest.raises(graft.ConfigError, match="expected an agent's folder or --heads"):
        graft.fit(shop, encoder, features=FEATURES)


def test_a_run_gives_tables_and_a_report(shop: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    options = {"methods": ["local", "popularity"], "encoder": "tiny", "features": FEATURES, "jobs": 1}
    results = graft.simulate(tmp_path / "out", platform=[f"shop={shop}"], say=steps.append, **options)
    assert steps
    assert set(results.methods["method"]) == {"local", "popularity"}
    assert results.users["ndcg@10"].is_between(0, 1).all()
    assert results.report.is_file()
    again = graft.read_results(tmp_path / "out")
    assert again.methods.equals(results.methods)
    with pytest.raises(graft.ConfigError, match="holds files"):
        graft.simulate(tmp_path / "out", platform=[f"shop={shop}"], **options)


def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(3)
    events = pl.DataFrame(
        {
            "user_id": [f"user {number // 5}" for number in range(100)],
            "item_id": rng.integers(0, 9, 100).astype(str),
            "timestamp": 1_700_000_000 + np.arange(100) * 3600,
        }
    )
    return events, pl.DataFrame({"item_id": [str(number) for number in range(9)], "text": list("abcdefghi")})


@pytest.mark.parametrize("form", ["polars", "pandas", "arrow", "columns"])
def test_takes_frames_of_every_kind(form: str, tmp_path: Path) -> None:
    forms = {
        "polars": lambda frame: frame,
        "pandas": lambda frame: frame.to_pandas(),
        "arrow": lambda frame: frame.to_arrow(),
        "columns": lambda frame: frame.to_dict(as_series=False),
    }
    events, items = map(forms[form], frames())
    graft.build_platform(tmp_path / "shop", events=events, items=items)
    platform = graft.read_platform(tmp_path / "shop")
    assert platform.timed
    assert platform.items["text"].to_list() == list("abcdefghi")
    assert platform.events.height == 100
    assert platform.events["timestamp"].min() == 1_700_000_000


def test_items_may_be_those_of_the_events(tmp_path: Path) -> None:
    events, _items = frames()
    graft.build_platform(tmp_path / "shop", events=events.with_columns(pl.from_epoch("timestamp")))
    platform = graft.read_platform(tmp_path / "shop")
    assert sorted(platform.items["text"]) == sorted(events["item_id"].unique())
    assert platform.timed


def test_a_table_that_breaks_the_contract_writes_nothing(tmp_path: Path) -> None:
    events, items = frames()
    wrong = {
        "column user_id": events.rename({"user_id": "customer"}),
        "timestamp": events.with_columns(timestamp=pl.lit("yesterday")),
        "expected a data frame": "events.csv",
        "null": events.with_columns(item_id=pl.lit(None, pl.String)),
    }
    for said, table in wrong.items():
        with pytest.raises(graft.DataError, match=said):
            graft.build_platform(tmp_path / "shop", events=table, items=items)
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    events, items = frames()
    graft.build_platform(tmp_path / "shop", events=events, items=items)
    with pytest.raises(graft.DataError, match="already exists"):
        graft.build_platform(tmp_path / "shop", events=events.head(50), items=items)
    assert graft.read_platform(tmp_path / "shop").events.height == 100
    graft.build_platform(tmp_path / "shop", events=events.head(50), items=items, force=True)
    assert graft.read_platform(tmp_path / "shop").events.height == 50


def test_without_an_encoder_the_platform_s_own_recommender_is_fitted_and_served(shop: Path, tmp_path: Path) -> None:
    verdict = graft.fit(shop, heads=tmp_path / "heads", features=FEATURES, own=False)
    assert (verdict.served, verdict.reason) == ("local", "no transfer method was there to compete")
    user = graft.read_platform(shop).events["user_id"][0]
    assert graft.recommend(tmp_path / "heads", [user], k=3).height == 3
    table = graft.evaluate(shop, features=FEATURES, own=False).to_frame()
    assert "feature" not in table["method"].to_list()
    assert table.filter("served")["method"].to_list() == ["local"]
    with pytest.raises(graft.ConfigError, match="expected one, found none"):
        graft.fit(shop, heads=tmp_path / "heads", features=FEATURES, took_part=True)


def test_an_encoder_that_comes_later_competes_with_what_is_served(shop: Path, encoder: Path, tmp_path: Path) -> None:
    part, options = f"{shop},users=50-100", {"features": FEATURES, "own": False, "heads": tmp_path / "heads"}
    graft.fit(part, **options)
    assert set(graft.fit(part, encoder, **options).candidates) == {"local", "feature"}
    assert set(graft.fit(part, **options).candidates) <= {"local", "previous"}
