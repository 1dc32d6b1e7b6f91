"""What a fit stores knows every user of the folder and every described item, and fits as if it knew of neither."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from client.cli.main import app
from client.data.folder_options import Preparation
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender
from client.recommender.catalogue_update import NewItem, with_items
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import read_served
from client.serving.journal import FileJournal
from client.serving.requests import ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from tests.integration.tiny_folders import BEGIN, N_ITEMS, N_USERS, write_tiny_folder
from tests.small_space import FEATURES

FEW = {5000: [7], 5001: [20, 21], 5002: [N_ITEMS]}
"""Users with one or two events; the last has met the rare item alone."""
RARE = NewItem(item_id=str(N_ITEMS), text="group2 item20 rare")
UNMET = NewItem(item_id=str(N_ITEMS + 1), text="group2 item21 item22")
PREPARED = Preparation(max_users=200, min_item_events=2)


def with_the_rest(folder):
    """The same folder with users who have few events, and items that few or none have met."""
    items, events = (pl.read_parquet(folder / f"{name}.parquet") for name in ("items", "events"))
    rows = [(user, item, BEGIN + 10_000 + place) for user, some in FEW.items() for place, item in enumerate(some)]
    further = pl.DataFrame(rows, schema=events.schema, orient="row")
    described = [{"item_id": int(one.item_id), "text": one.text} for one in (RARE, UNMET)]
    pl.concat([items, pl.DataFrame(described, schema=items.schema)]).write_parquet(folder / "items.parquet")
    pl.concat([events, further]).write_parquet(folder / "events.parquet")


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """Heads of a fit without users of few events and items that nobody has met, then with both."""
    root = tmp_path_factory.mktemp("served")
    folder, encoder = write_tiny_folder(root / "shop"), root / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, encoder, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    settings = FitSettings(
        features=FEATURES, competing_methods=CompetingMethods(own=False), preparation=replace(PREPARED, max_users=None)
    )
    fit_recommender(folder, encoder, HeadStore(root / "before"), settings)
    with_the_rest(folder)
    fit_recommender(folder, encoder, HeadStore(root / "after"), settings)
    capped = replace(settings, preparation=PREPARED)
    fit_recommender(folder, encoder, HeadStore(root / "capped"), capped)
    return {name: (root / name, read_served(HeadStore(root / name))) for name in ("before", "after", "capped")}


def test_knows_every_user_of_the_folder(fits):
    everybody = {str(user) for user in (*range(N_USERS), *FEW)}
    assert set(fits["capped"][1].users.user_ids) == set(fits["after"][1].users.user_ids) == everybody


def test_counts_every_event_held_out_of_the_fit_or_not(fits):
    _, served = fits["before"]
    met = served.users.sequences
    users, items = np.unique(np.stack([met.owners(), met.items]), axis=1)
    counted = np.asarray(served.statistics["popularity"])
    assert counted.tolist() == np.bincount(items, minlength=len(counted)).tolist()
    assert len(users) == counted.sum() > 0


@pytest.mark.parametrize("fit", ["after", "capped"])
def test_gives_nobody_what_they_own(fits, fit):
    recommender = Recommender.of(fits[fit][1])
    size = len(recommender.items.item_ids)
    for user in (*map(str, FEW), "3", "200"):
        history = recommender.history_of(user)
        listed = {one.item for one in recommender.recommend(history, ListQuery(k=size))}
        assert len(history)
        assert len(listed) == size - len(set(history.tolist()))


def test_answers_a_user_with_one_event_as_a_session_with_it(fits):
    recommender = Recommender.of(fits["after"][1])
    assert recommender.history_of("5000").tolist() == [recommender.row_of_item["7"]]
    assert recommender.history_of("5002").tolist() == [recommender.row_of_item[RARE.item_id]]


def test_lists_an_item_that_nobody_has_met_as_one_that_was_upserted(fits):
    found, upserted = fits["after"][1], with_items(fits["before"][1], [RARE, UNMET])
    assert found.items.item_ids == upserted.items.item_ids
    history = np.array([20, 23], np.int32)
    recommenders = [Recommender.of(one) for one in (found, upserted)]
    for user in map(str, FEW):  # who came since is counted as a service counts what is reported
        recommenders[1].count(recommenders[0].history_of(user), recommenders[0].times_of(user))
    lists = [one.recommend(history, ListQuery(k=62, moment=BEGIN + 1e6)) for one in recommenders]
    first, second = ({one.item: one.score for one in listed} for listed in lists)
    assert first == pytest.approx(second, abs=1e-3)
    assert UNMET.item_id in {found.items.item_ids[one.item] for one in lists[0]}


def test_fits_as_if_there_were_none_of_them(fits):
    before, after = (fits[name][1] for name in ("before", "after"))
    np.testing.assert_array_equal(before.head.weights, after.head.weights)
    assert before.head.calibrations == after.head.calibrations
    assert before.verdict == after.verdict


def test_forgets_a_user_with_one_event_as_any_other(fits, tmp_path):
    served = fits["after"][1]
    served.write(HeadStore(tmp_path))
    service = RecommendService(HeadStore(tmp_path), FileJournal(tmp_path / "reports.log"))
    assert service.recommend(ListRequest(user="5000")).basis == "history"
    assert service.forget("5000").accepted == 1
    assert service.recommend(ListRequest(user="5000")).basis == "popularity"
    assert "5000" not in read_served(HeadStore(tmp_path)).users.user_ids


def test_recommends_at_the_terminal_to_a_user_with_one_event(fits, capsys):
    app(
        ["recommend", "--heads", str(fits["capped"][0]), "--user", "5000", "--k", "62", "--json"], standalone_mode=False
    )
    items = [row["item"] for row in json.loads(capsys.readouterr().out)]
    assert len(items) == 61
    assert "7" not in items
