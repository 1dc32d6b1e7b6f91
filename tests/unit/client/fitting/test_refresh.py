"""A refresh serves what a full fit would count, with the weights of before unless others are seen to be better."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

import graft
from client.cli.main import app
from client.data.folder_options import Preparation
from client.evaluation.ranking import ndcg_of
from client.fitting import platform_fit
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.refresh import Refreshed, refresh_recommender
from client.fitting.served_fit import fit_recommender
from client.gate.gate import decide
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import ServedHead, open_served, read_served
from client.scorers import scorer
from client.serving.journal import FileJournal
from client.serving.private_folder import open_private_folder
from client.serving.reported_events import ReportedEvents
from client.serving.requests import ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from client.training.loop import TrainingSettings
from shared.errors import DataError, GraftError
from tests.small_space import FEATURES
from tests.unit.client.recommender.test_request_shortlist import opened

DAY = 86_400
BEGIN = 1_700_000_000
N_ITEMS, N_USERS, DAYS = 60, 300, 20
NEW_ITEM, NEW_USER = 500, 900
LAST_DAY = BEGIN + (DAYS - 1) * DAY
SETTINGS = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False))


def drawn_events() -> pl.DataFrame:
    """Users walk along related items for twenty days; on the last one a new user meets a new item, too."""
    rng = np.random.default_rng(11)
    lengths = rng.integers(6, 12, N_USERS)
    users = np.repeat(np.arange(N_USERS), lengths)
    steps = np.concatenate([rng.integers(0, N_ITEMS) + np.cumsum(rng.integers(1, 4, length)) for length in lengths])
    days = np.concatenate([np.sort(rng.choice(DAYS, length, replace=False)) for length in lengths])
    events = pl.DataFrame({"user_id": users, "item_id": steps % N_ITEMS, "timestamp": BEGIN + DAY * days + users})
    news = pl.DataFrame(
        {
            "user_id": [NEW_USER] * 4 + [7],
            "item_id": [3, 5, NEW_ITEM, 8, NEW_ITEM],
            "timestamp": LAST_DAY + 1_000 + np.arange(5),
        }
    )
    return pl.concat([events, news]).sort("user_id", "timestamp")


def write_folder(path: Path, events: pl.DataFrame, further: dict[int, str] | None = None) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    texts = {item: f"group{item // 10} item{item}" for item in range(N_ITEMS)} | (further or {})
    items = pl.DataFrame({"item_id": list(texts), "text": list(texts.values())})
    items.write_parquet(path / "items.parquet")
    events.write_parquet(path / "events.parquet")
    return path


NEWS = {NEW_ITEM: "group2 novelty", NEW_ITEM + 1: "group3 unmet"}


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return drawn_events()


@pytest.fixture(scope="module")
def first_fit(tmp_path_factory: pytest.TempPathFactory, whole: pl.DataFrame) -> Path:
    """A folder until the last day, and the heads that were fitted on it."""
    root = tmp_path_factory.mktemp("refresh")
    folder = write_folder(root / "shop", whole.filter(pl.col("timestamp") < LAST_DAY))
    fit_recommender(folder, None, HeadStore(root / "heads"), SETTINGS)
    return root


@pytest.fixture(scope="module")
def full_fit(tmp_path_factory: pytest.TempPathFactory, whole: pl.DataFrame) -> ServedHead:
    """Fitted on all of it."""
    root = tmp_path_factory.mktemp("full")
    fit_recommender(write_folder(root / "shop", whole, NEWS), None, HeadStore(root / "heads"), SETTINGS)
    return read_served(HeadStore(root / "heads"))


@pytest.fixture
def shop(first_fit: Path, tmp_path: Path, whole: pl.DataFrame) -> Path:
    """The same with the last day's events, and heads that know nothing of them."""
    write_folder(tmp_path / "shop", whole, NEWS)
    read_served(HeadStore(first_fit / "heads")).write(HeadStore(tmp_path / "heads"))
    return tmp_path


def refreshed(
    root: Path, since: float | str = "last", settings: FitSettings = SETTINGS
) -> tuple[Refreshed, ServedHead]:
    store = HeadStore(root / "heads")
    told = refresh_recommender(root / "shop", store, settings, since)
    return told, read_served(store)


def by_item(served: ServedHead, name: str) -> dict[tuple[str, ...], float]:
    """The numbers of a statistic that are not 0, by the ids of their items."""
    matrix = sp.coo_array(served.statistics[name])
    ids = served.items.item_ids
    entries = zip(zip(*matrix.coords, strict=True), matrix.data, strict=True)
    return {tuple(ids[row] for row in rows): float(value) for rows, value in entries if abs(value) > 1e-6}


def test_statistics_are_those_of_a_full_fit(shop: Path, full_fit: ServedHead, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told from what has changed, as in a catalogue whose rows are cut."""
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(scorer, "ROW", N_ITEMS + 10)
    before = read_served(HeadStore(shop / "heads"))
    _, served = refreshed(shop)
    assert served.statistics.keys() == before.statistics.keys()
    of_both = [name for name in served.statistics.keys() & full_fit.statistics.keys() if "." not in name]
    compared = [name for name in of_both if not name.startswith("ease")]
    assert len(compared) >= 5
    for name in compared:
        assert by_item(served, name) == pytest.approx(by_item(full_fit, name), rel=2e-3, abs=2e-5), name


def test_other_users_are_drawn_for_training_where_more_have_come(
    tmp_path: Path, whole: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(scorer, "ROW", N_ITEMS + 10)
    settings = replace(SETTINGS, preparation=Preparation(fraction=0.6))
    folder, heads = tmp_path / "shop", HeadStore(tmp_path / "heads")
    fit_recommender(write_folder(folder, whole.filter(pl.col("timestamp") < LAST_DAY)), None, heads, settings)
    refresh_recommender(write_folder(folder, whole, NEWS), heads, settings, "last")
    fit_recommender(folder, None, HeadStore(tmp_path / "full"), settings)
    served, full = read_served(heads), read_served(HeadStore(tmp_path / "full"))
    for name in ("popularity", "item_similarity"):
        assert by_item(served, name) == pytest.approx(by_item(full, name), rel=2e-3, abs=2e-5)


def test_knows_every_user_and_item_of_now(shop: Path, full_fit: ServedHead) -> None:
    told, served = refreshed(shop)
    assert (told.new_items, told.late_events) == (2, 0)
    assert told.new_events == int((full_fit.users.sequences.clock >= LAST_DAY).sum())
    assert set(served.items.item_ids) == set(full_fit.items.item_ids)
    histories = [histories_of(head) for head in (served, full_fit)]
    assert histories[0] == histories[1]
    recommender = Recommender.of(served)
    history = recommender.history_of(str(NEW_USER))
    listed = {one.item for one in recommender.recommend(history, ListQuery(k=62))}
    assert recommender.row_of_item[str(NEW_ITEM + 1)] in listed
    assert not listed & set(history.tolist())


def histories_of(served: ServedHead) -> dict[str, list[str]]:
    recommender = Recommender.of(served)
    ids = served.items.item_ids
    return {user: [ids[item] for item in recommender.history_of(user)] for user in served.users.user_ids}


def test_a_second_refresh_changes_nothing(shop: Path) -> None:
    _, once = refreshed(shop)
    told, again = refreshed(shop, LAST_DAY)
    assert (told.new_events, told.changed_users, told.new_items) == (0, 0, 0)
    assert histories_of(once) == histories_of(again)
    for name, matrix in once.statistics.items():
        difference = sp.coo_array(matrix) - sp.coo_array(again.statistics[name])
        assert abs(difference).max() < 1e-6


def test_events_before_the_moment_are_counted_and_told(shop: Path, whole: pl.DataFrame) -> None:
    late = pl.DataFrame({"user_id": [5, 6], "item_id": [58, 59], "timestamp": [BEGIN - 60, BEGIN - 50]})
    write_folder(shop / "shop", pl.concat([whole, late]), NEWS)
    known = read_served(HeadStore(shop / "heads"))
    told, served = refreshed(shop, LAST_DAY)
    assert told.late_events == 2
    assert "2 late ones before it" in told.reason
    assert Recommender.of(served).history_of("5")[0] == Recommender.of(known).row_of_item["58"]


def test_text_that_has_changed_is_served(shop: Path, whole: pl.DataFrame) -> None:
    write_folder(shop / "shop", whole, {**NEWS, 4: "another text altogether"})
    _, served = refreshed(shop)
    row = served.items.item_ids.index("4")
    assert served.items.texts[row] == "another text altogether"
    expected = read_served(HeadStore(shop / "heads")).items.catalogue.features[row]
    assert np.linalg.norm(expected) == pytest.approx(1)


def test_a_large_record_keeps_its_encoder_and_its_cells(
    tmp_path: Path, whole: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a vault, with an encoder that the gate serves; cells are not looked for again."""
    for module in ("scorers.scorer", "recommender.served_head", "recommender.served_catalogue"):
        monkeypatch.setattr(f"client.{module}.WHOLE_UP_TO", 0)
    monkeypatch.setattr(platform_fit, "decide", lambda *given: replace(decide(*given), accepted=True, served="feature"))
    folder, encoder = tmp_path / "shop", tmp_path / "encoder.safetensors"
    write_folder(folder, whole.filter(pl.col("timestamp") < LAST_DAY))
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, encoder, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    monkeypatch.setenv("REFRESH_KEY", new_key())
    store = HeadStore(Vault.make(tmp_path / "vault", KeySource(kind="env", where="REFRESH_KEY")))
    fit_recommender(folder, encoder, store, SETTINGS)
    before = read_served(store)
    monkeypatch.setattr("client.recommender.search_index._centres", None)
    told = refresh_recommender(write_folder(folder, whole, NEWS), store, SETTINGS, "last")
    served = open_served(store)
    assert told.served == "feature"
    assert served.searches.keys() > set()
    for name, part in before.parts.encoders.items():
        np.testing.assert_array_equal(served.parts.encoders[name].encoder.flat, part.encoder.flat)
    recommender = opened(served, monkeypatch)
    listed = recommender.recommend(recommender.history_of(str(NEW_USER)), ListQuery(k=62))
    assert str(NEW_ITEM + 1) in {served.items.item_ids[one.item] for one in listed}


def test_who_was_forgotten_stays_out(shop: Path) -> None:
    """A user of the folder who asked to be forgotten while it served."""
    heads = shop / "heads"
    service = RecommendService(HeadStore(heads), FileJournal(heads / "reports.log"))
    assert service.recommend(ListRequest(user="7")).basis == "history"
    service.forget("7")
    reports = ReportedEvents(entries=open_private_folder(heads, "").reported())
    refresh_recommender(shop / "shop", HeadStore(heads), SETTINGS, "last", reports)
    served = read_served(HeadStore(heads))
    assert "7" not in served.users.user_ids
    assert served.reports_until == reports.until > 0


def test_lists_are_as_good_as_those_of_a_full_fit(first_fit: Path, tmp_path: Path, whole: pl.DataFrame) -> None:
    """Everybody's last event asked for, of heads that were fitted before the last days, refreshed, or fitted on all."""
    last = whole.group_by("user_id").last()
    until_then = whole.join(last, on=["user_id", "item_id", "timestamp"], how="anti")
    folder = write_folder(tmp_path / "shop", until_then.filter(pl.col("timestamp") < LAST_DAY - 3 * DAY), NEWS)
    fit_recommender(folder, None, HeadStore(tmp_path / "heads"), SETTINGS)
    write_folder(folder, until_then, NEWS)
    fit_recommender(folder, None, HeadStore(tmp_path / "full"), SETTINGS)
    told, served = refreshed(tmp_path, LAST_DAY - 3 * DAY)
    assert told.weights.ndcg is not None
    full = read_served(HeadStore(tmp_path / "full"))
    of_refresh, of_fit = (figures(head, last) for head in (served, full))
    difference = of_refresh - of_fit
    assert of_fit.mean() > 0.2
    assert abs(difference.mean()) < 2 * difference.std() / np.sqrt(len(difference)) + 0.01


def figures(served: ServedHead, asked: pl.DataFrame) -> np.ndarray:
    """NDCG@10 of the lists of users, each of whom will meet one item."""
    recommender = Recommender.of(served)
    ranks = []
    for user, item, moment in asked.select("user_id", "item_id", "timestamp").iter_rows():
        row = recommender.row_of_user.get(str(user))
        if row is None:
            continue
        history, times = recommender.history_of(str(user)), recommender.times_of(str(user))
        listed = [one.item for one in recommender.recommend(history, ListQuery(k=10, moment=float(moment)), times)]
        wanted = recommender.row_of_item[str(item)]
        ranks.append(1 + listed.index(wanted) if wanted in listed else 1_000)
    return ndcg_of(np.array(ranks, float))


def without_a_record(root: Path) -> None:
    HeadStore(root / "heads").delete("served")


def without_the_first_item(root: Path) -> None:
    for name in ("items", "events"):
        table = pl.read_parquet(root / "shop" / f"{name}.parquet")
        table.filter(pl.col("item_id") != 0).write_parquet(root / "shop" / f"{name}.parquet")


def as_an_order(root: Path) -> None:
    path = root / "shop" / "events.parquet"
    place = pl.int_range(pl.len()).over("user_id").alias("timestamp")
    pl.read_parquet(path).with_columns(place).write_parquet(path)


def as_before(root: Path) -> None:
    served = read_served(HeadStore(root / "heads"))
    replace(served, users=replace(served.users, counted=None)).write(HeadStore(root / "heads"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_a_record, "there is no fitted recommender"),
        (without_the_first_item, "1 of the served items are not among its items any more"),
        (as_an_order, "expects events with times, found an order alone"),
        (as_before, "whose events it has counted"),
    ],
)
def test_what_cannot_be_refreshed_is_said(shop: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    spoil(shop)
    store = HeadStore(shop / "heads")
    stamp = store.stamp("served")
    with pytest.raises(GraftError, match=sentence):
        refresh_recommender(shop / "shop", store, SETTINGS, "last")
    assert store.stamp("served") == stamp


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (replace(SETTINGS, preparation=Preparation(min_item_events=2)), "min-item-events left out, found 2"),
        (replace(SETTINGS, seed=3), "seed 0, found 3"),
        (replace(SETTINGS, features="hashing:128"), f"features {FEATURES}, found hashing:128"),
    ],
)
def test_other_options_than_those_of_the_fit_are_refused(shop: Path, settings: FitSettings, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        refresh_recommender(shop / "shop", HeadStore(shop / "heads"), settings, "last")


def test_a_part_of_time_says_not_what_was_counted(tmp_path: Path, whole: pl.DataFrame) -> None:
    folder = write_folder(tmp_path / "shop", whole.filter(pl.col("timestamp") < LAST_DAY))
    settings = replace(SETTINGS, preparation=Preparation(time=(0.0, 90.0)))
    fit_recommender(folder, None, HeadStore(tmp_path / "heads"), settings)
    with pytest.raises(DataError, match="whose events it has counted"):
        refresh_recommender(folder, HeadStore(tmp_path / "heads"), settings, "last")


def test_at_the_terminal_and_in_python(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["fit", str(shop / "shop"), "--heads", str(shop / "heads"), "--features", FEATURES]
    app([*words, "--since", "2023-12-03", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told["since"] == 1_701_561_600
    assert told["new_items"] == 2
    again = graft.fit(shop / "shop", heads=shop / "heads", features=FEATURES, since="last")
    assert isinstance(again, Refreshed)
    assert again.changed_users == 0


def test_a_moment_that_is_none_and_an_encoder_beside_it_are_refused(shop: Path) -> None:
    with pytest.raises(GraftError, match="since must be last, a date or time"):
        graft.fit(shop / "shop", heads=shop / "heads", since="yesterday")
    with pytest.raises(GraftError, match="cannot stand beside encoder"):
        graft.fit(shop / "shop", shop / "encoder", heads=shop / "heads", since="last")
