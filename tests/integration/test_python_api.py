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
    with pytest.raises(graft.ConfigError, match="expected an agent's folder or heads"):
        graft.fit(shop, encoder, features=FEATURES)


def test_a_run_gives_tables_and_a_report(shop: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    options = {"methods": ["local", "popularity"], "encoder": "tiny", "features": FEATURES, "jobs": 1}
    results = graft.simulate(tmp_path / "out", platform=[f"shop={shop}"], say=steps.append, **options)
    assert steps
    assert set(results.methods["method"]) == {"local", "popularity"}
    assert results.users["ndcg@10"].is_between(0, 1).all()
    assert results.report.is_file()
    assert repr(results).startswith(f"RunResults {tmp_path / 'out'}: 1 platform, 2 methods")
    again = graft.read_results(tmp_path / "out")
    assert again.methods.equals(results.methods)
    with pytest.raises(graft.ConfigError, match=r"give resume=True to go on, or force=True\); .* holds files"):
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
        "column user_id": events.rename({"user_id": "who"}),
        "timestamp": events.with_columns(timestamp=pl.lit("yesterday")),
        "expected a data frame": "events.csv",
        "null": events.with_columns(item_id=pl.lit(None, pl.String)),
    }
    for said, table in wrong.items():
        with pytest.raises(graft.DataError, match=said):
            graft.build_platform(tmp_path / "shop", events=table, items=items)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "column", "row"), [("events", "user_id", 3), ("events", "item_id", 8), ("items", "item_id", 2)]
)
def test_a_null_id_is_named_with_table_column_and_row(table: str, column: str, row: int, tmp_path: Path) -> None:
    tables = dict(zip(("events", "items"), frames(), strict=True))
    frame = tables[table].with_row_index("row")
    tables[table] = frame.with_columns(pl.when(pl.col("row") != row).then(column).alias(column)).drop("row")
    with pytest.raises(graft.DataError, match=f"^{table}: column {column}, row {row}: expected an id, found null"):
        graft.build_platform(tmp_path / "shop", **tables)


def test_other_wrong_rows_are_those_of_the_frame(tmp_path: Path) -> None:
    events, items = frames()
    with pytest.raises(graft.DataError, match=r"^items: column item_id, row 9: the id stands in an earlier row"):
        graft.build_platform(tmp_path / "shop", events=events, items=pl.concat([items, items.head(1)]))
    halves = events.with_columns(user_id=pl.int_range(100) / 2)
    with pytest.raises(graft.DataError, match=r"^events: column user_id: expected whole numbers .* row 1 a number"):
        graft.build_platform(tmp_path / "shop", events=halves, items=items)


def test_a_named_index_of_pandas_is_a_column(tmp_path: Path) -> None:
    events, items = frames()
    indexed = events.to_pandas().set_index("user_id")
    built = graft.build_platform(tmp_path / "shop", events=indexed, items=items.to_pandas().set_index("item_id"))
    assert repr(built) == "ImportedPlatform: 20 users, 9 items, 100 events"


def test_blanks_around_ids_and_repeated_rows_get_a_note(tmp_path: Path) -> None:
    events, items = frames()
    blanks = events.with_columns(user_id=pl.col("user_id") + " ", item_id=" " + pl.col("item_id"))
    built = graft.build_platform(tmp_path / "shop", events=pl.concat([blanks, blanks.head(2)]), items=items)
    assert built.events["user_id"].unique().sort().to_list() == events["user_id"].unique().sort().to_list()
    assert built.notes == (
        "events: 204 ids have blanks around them, which are left out",
        "2 events repeat another one exactly (user, item, time and rating); they are kept",
    )
    assert repr(built).splitlines()[0] == "ImportedPlatform: 20 users, 9 items, 102 events"
    assert repr(built).splitlines()[1] == f"- {built.notes[0]}"
    assert repr(graft.read_platform(tmp_path / "shop")) == (
        f"PlatformFolder {tmp_path / 'shop'}: 20 users, 9 items, 102 events"
    )


def test_times_may_be_texts_as_for_import_csv(tmp_path: Path) -> None:
    events, items = frames()
    texts = events.with_columns(pl.from_epoch("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    graft.build_platform(tmp_path / "shop", events=texts, items=items)
    assert graft.read_platform(tmp_path / "shop").events["timestamp"].min() == 1_700_000_000


GERMAN = pl.DataFrame(
    {
        "Kunde": ["K1", "K1", "K2", "K2"],
        "Artikel": ["A7", "A8", "A7", "A9"],
        "Menge": ["1,0", "2,5", "1,0", "3,0"],
        "Datum": ["01.02.2025 09:00", "31.12.2025 14:05", "02.03.2025 10:00", "03.03.2025 11:30"],
    }
)
ARTICLES = pl.DataFrame({"Artikelnr": ["A7", "A8", "A9"], "Bezeichnung": ["Hut", "Schuh", "Schal"], "Preis": [1, 2, 3]})


def test_columns_of_other_names_dates_and_commas_are_found_as_for_import_csv(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built = graft.build_platform(tmp_path / "frames", events=GERMAN, items=ARTICLES)
    assert built.notes[0] == (
        "columns are read as map={'user_id': 'Kunde', 'item_id': 'Artikel', 'timestamp': 'Datum', "
        "'text': 'Bezeichnung', 'items.item_id': 'Artikelnr', 'rating': 'Menge'}, time_format='%d.%m.%Y %H:%M', "
        "decimal=','"
    )
    assert [record.getMessage() for record in caplog.records] == [built.notes[0]]
    GERMAN.write_csv(tmp_path / "orders.csv", separator=";")
    ARTICLES.write_csv(tmp_path / "articles.csv", separator=";")
    command = (
        "import",
        "csv",
        tmp_path / "orders.csv",
        "--items",
        tmp_path / "articles.csv",
        "--out",
        tmp_path / "csv",
    )
    assert run("graft-client", *command).returncode == 0
    from_frames, from_files = graft.read_platform(tmp_path / "frames"), graft.read_platform(tmp_path / "csv")
    columns = ["user_id", "item_id", "timestamp", "rating"]
    assert from_frames.events.select(columns).equals(from_files.events.select(columns))
    assert from_frames.items.select("item_id", "text").equals(from_files.items.select("item_id", "text"))
    assert from_frames.events["rating"].to_list() == [1.0, 2.5, 1.0, 3.0]


def test_what_was_proposed_may_be_said(tmp_path: Path) -> None:
    names = {"user_id": "Kunde", "item_id": "Artikel", "timestamp": "Datum", "text": "Artikel"}
    built = graft.build_platform(tmp_path / "shop", events=GERMAN, map=names, time_format="%d.%m.%Y %H:%M")
    assert built.notes == ()
    assert built.items.sort("item_id").rows() == [("A7", "A7"), ("A8", "A8"), ("A9", "A9")]
    assert built.events["rating"].to_list() == [1.0] * 4
    with pytest.raises(
        graft.DataError, match=r"expected the column Wann, found Kunde, .*: map=\{'timestamp': 'COLUMN'\}"
    ):
        graft.build_platform(tmp_path / "other", events=GERMAN, map={**names, "timestamp": "Wann"})
    with pytest.raises(graft.ConfigError, match=r"^map: expected one of user_id, .*; got 'user'"):
        graft.build_platform(tmp_path / "other", events=GERMAN, map={"user": "Kunde"})


def test_texts_of_items_may_stand_in_the_events(tmp_path: Path) -> None:
    events = GERMAN.with_columns(Titel=pl.lit("Ein roter Hut, Nr. ") + pl.col("Artikel"))
    built = graft.build_platform(tmp_path / "shop", events=events)
    assert built.items.sort("item_id").rows()[0] == ("A7", "Ein roter Hut, Nr. A7")
    bare = graft.build_platform(tmp_path / "bare", events=GERMAN)
    assert bare.items["text"].to_list() == bare.items["item_id"].to_list()
    assert "nothing describes items: each one's id is its text (map={'text': 'COLUMN'}, or items=FRAME" in bare.notes[1]


def test_what_nobody_can_tell_is_asked_with_what_to_complete(tmp_path: Path) -> None:
    with pytest.raises(graft.DataError, match=r"\(complete this: map=\{'user_id': 'Kunde', .*'timestamp': 'COLUMN'"):
        graft.build_platform(tmp_path / "shop", events=GERMAN.drop("Datum"))
    dated = graft.build_platform(tmp_path / "ordered", events=GERMAN.drop("Datum"), no_time=True)
    assert dated.events.filter(user_id="K1")["timestamp"].to_list() == [0, 1]
    early = GERMAN.with_columns(Datum=pl.lit("03.11.2025"))
    with pytest.raises(graft.DataError, match=r"row 0: column Datum: .* two ways; say how with time_format='%d/%m/%Y'"):
        graft.build_platform(tmp_path / "shop", events=early)
    numbers = GERMAN.with_columns(Datum=pl.lit(20251103))
    with pytest.raises(graft.DataError, match=r"row 0: column Datum: .*say times='order' if they only tell an order"):
        graft.build_platform(tmp_path / "shop", events=numbers)
    built = graft.build_platform(tmp_path / "shop", events=numbers, time_format="%Y%m%d")
    assert built.events["timestamp"].dtype.is_integer()
    with pytest.raises(graft.DataError, match=r"keep_unknown_items=True to describe each"):
        graft.build_platform(
            tmp_path / "few",
            events=GERMAN,
            items=ARTICLES.with_columns(Artikelnr=pl.lit("x")).head(1),
            map={
                "user_id": "Kunde",
                "item_id": "Artikel",
                "items.item_id": "Artikelnr",
                "timestamp": "Datum",
                "text": "Bezeichnung",
            },
            time_format="%d.%m.%Y %H:%M",
        )


def test_an_evaluation_of_one_user_says_that_it_tells_nothing(shop: Path, tmp_path: Path) -> None:
    events, items = frames()
    graft.build_platform(tmp_path / "shop", events=events.with_columns(user_id=pl.lit("one")), items=items)
    found = graft.evaluate(tmp_path / "shop", features=FEATURES, own=False)
    assert found.users == 1
    assert found.notes[0] == "figures over 1 user tell nothing: 20 are the least"
    assert "a list of 10 finds much by chance" in found.notes[1]
    told = run("graft-client", "evaluate", tmp_path / "shop", "--features", FEATURES, "--no-own").stdout
    assert [line for line in told.splitlines() if line.startswith("Careful")] == [f"Careful: {x}" for x in found.notes]
    assert graft.evaluate(shop, features=FEATURES, own=False).notes == ()


def test_a_folder_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    events, items = frames()
    graft.build_platform(tmp_path / "shop", events=events, items=items)
    with pytest.raises(graft.DataError, match=r"already exists \(use force=True to replace"):
        graft.build_platform(tmp_path / "shop", events=events.head(50), items=items)
    assert graft.read_platform(tmp_path / "shop").events.height == 100
    graft.build_platform(tmp_path / "shop", events=events.head(50), items=items, force=True)
    assert graft.read_platform(tmp_path / "shop").events.height == 50


def test_without_an_encoder_the_platform_s_own_recommender_is_fitted_and_served(shop: Path, tmp_path: Path) -> None:
    verdict = graft.fit(shop, heads=tmp_path / "heads", features=FEATURES, own=False)
    assert (verdict.served, verdict.reason) == ("local", "no encoder was given, so no transfer method competes")
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
