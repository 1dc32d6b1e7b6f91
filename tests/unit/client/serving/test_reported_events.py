"""What callers reported is part of the next fit, once, and whoever was forgotten is not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from client.data.feedback import FeedbackKind
from client.data.folder_options import Preparation
from client.data.source import read_folder
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender
from client.recommender.catalogue_update import NewItem
from client.recommender.served_head import read_served
from client.serving.journal import JOURNAL, FileJournal, read_journal
from client.serving.reported_events import ReportedEvents
from client.serving.requests import Feedback, ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from tests.integration.tiny_folders import N_ITEMS, write_tiny_folder
from tests.small_space import FEATURES


def event(number, user, item, kind=FeedbackKind.CLICKED):
    return Feedback(event_id=f"e{number}", user=user, item=item, kind=kind, time=1.7e9 + number)


@pytest.fixture
def folder(tmp_path):
    return write_tiny_folder(tmp_path / "shop")


@pytest.fixture
def journal(tmp_path):
    return FileJournal(tmp_path / "heads" / JOURNAL)


def reported(tmp_path):
    return ReportedEvents(entries=read_journal(tmp_path / "heads" / JOURNAL))


def test_leaves_a_folder_as_it_is_where_nothing_was_reported(folder, tmp_path):
    found = read_folder(folder)
    same = reported(tmp_path).added_to(found)
    assert same.events.equals(found.events)
    assert same.items.equals(found.items)
    assert reported(tmp_path).until == 0


def test_adds_what_was_met_and_no_other_event(folder, journal, tmp_path):
    kinds = [*FeedbackKind]
    journal.append([event(number, "900", "7", kind).to_json() for number, kind in enumerate(kinds)])
    journal.append([event(50, "900", "no such item").to_json(), event(51, "no number", "7").to_json()])
    before = read_folder(folder)
    after = reported(tmp_path).added_to(before).events
    new = after.filter(pl.col("user_id") == 900)
    assert len(new) == 3
    assert len(after) == len(before.events) + 3
    assert after.schema == before.events.schema
    assert new["timestamp"].min() > before.events["timestamp"].max()


def test_adds_items_and_their_events(folder, journal, tmp_path):
    journal.append(
        [
            {"kind": "item", "id": "1000", "text": "group9 item", "category": "", "vector": []},
            {"kind": "item", "id": "3", "text": "another text", "category": "", "vector": []},
            event(1, "5", "1000").to_json(),
        ]
    )
    grown = reported(tmp_path).added_to(read_folder(folder))
    assert grown.items.height == N_ITEMS + 1
    texts = dict(zip(grown.items["item_id"], grown.items["text"], strict=True))
    assert (texts[1000], texts[3]) == ("group9 item", "another text")
    assert grown.items["item_id"].to_list()[:N_ITEMS] == read_folder(folder).items["item_id"].to_list()
    assert grown.events.filter(pl.col("item_id") == 1000).height == 1


def upserted(item, text, category=""):
    return {"kind": "item", "id": item, "text": text, "category": category, "vector": []}


def test_keeps_a_category_that_no_report_changes(folder, journal, tmp_path):
    found = read_folder(folder)
    sorts = replace(found, items=found.items.with_columns(category=pl.lit("sort")))
    journal.append([upserted("3", "a"), upserted("4", "b", "fresh"), upserted("4", "c"), upserted("1000", "d")])
    items = reported(tmp_path).added_to(sorts).items
    categories = dict(zip(items["item_id"], items["category"], strict=True))
    assert (categories[3], categories[4], categories[5]) == ("sort", "fresh", "sort")
    assert not categories[1000]


@pytest.mark.parametrize("in_folder", [True, False])
def test_takes_when_an_item_was_published_and_keeps_it_where_no_report_says_it(folder, journal, tmp_path, in_folder):
    found = read_folder(folder)
    told = found.items.with_columns(published=pl.lit(1.5e9)) if in_folder else found.items
    dated = {**upserted("4", "b"), "published": 1.6e9}
    journal.append([upserted("3", "a"), dated, upserted("4", "c"), {**upserted("1000", "d"), "published": 1.7e9}])
    items = reported(tmp_path).added_to(replace(found, items=told)).items
    published = dict(zip(items["item_id"], items["published"], strict=True))
    assert (published[4], published[1000]) == (1.6e9, 1.7e9)
    assert {published[3], published[5]} == {1.5e9 if in_folder else None}


def test_says_how_many_items_keep_a_text_that_is_not_the_folders(folder, journal, tmp_path, caplog):
    found = read_folder(folder)
    journal.append([upserted("0", found.items["text"][0]), upserted("3", "another"), upserted("1000", "new")])
    reported(tmp_path).added_to(found)
    told = "keep their text, which is not the folder's; upsert them with the folder's text to serve that"
    assert caplog.messages == [f"{folder}: 1 reported items {told}"]


def test_takes_the_vectors_of_items_that_are_there_and_of_new_ones(folder, journal, tmp_path, caplog):
    found = read_folder(folder)
    given = replace(found, vectors=np.ones((N_ITEMS, 2), np.float32))
    vectors = {"1000": [5.0, 6.0], "3": [3.0, 4.0], "3.0": [1.0, 2.0], "4": [1.0], "0": [7.0, 8.0]}
    journal.append(
        [{"kind": "item", "id": one, "text": one, "category": "", "vector": vectors[one]} for one in vectors]
    )
    grown = reported(tmp_path).added_to(given)
    by_item = dict(zip(grown.items["item_id"], grown.vectors.tolist(), strict=True))
    assert (by_item[0], by_item[3], by_item[1000]) == ([7.0, 8.0], [1.0, 2.0], [5.0, 6.0])
    assert by_item[4] == by_item[5] == [1.0, 1.0]
    assert given.vectors.tolist() == [[1.0, 1.0]] * N_ITEMS
    assert "1 reported items are left out: their vector is of another length" in caplog.text


def test_reads_ids_as_the_folder_does_and_counts_what_is_none(folder, journal, tmp_path, caplog):
    named = {"7.0": 7, "900.00": 900, "07": None, "+7": None, " 8": None, "0x8": None, "1e3": None, "None": None}
    journal.append([event(number, user, "7").to_json() for number, user in enumerate(named)])
    journal.append([event(50, "901", item).to_json() for item in ("8.0", "01", "nan")])
    before = read_folder(folder)
    after = reported(tmp_path).added_to(before).events
    new = after.tail(len(after) - len(before.events))
    assert new["user_id"].to_list() == [7, 900, 901]
    assert new["item_id"].to_list() == [7, 7, 8]
    assert caplog.messages == [
        f"{folder}: 6 reported events are left out: their user's id is no whole number, as those of the platform are",
        f"{folder}: 2 reported events are left out: they name an item that is not in the catalogue",
    ]


def test_reads_the_ids_of_items_alike(folder, journal, tmp_path, caplog):
    ids = ["3", "3.0", "03", "nan", "1000"]
    journal.append([{"kind": "item", "id": one, "text": one, "category": "", "vector": []} for one in ids])
    before, grown = read_folder(folder).items, reported(tmp_path).added_to(read_folder(folder)).items
    texts = dict(zip(grown["item_id"], grown["text"], strict=True))
    assert (texts[3], texts[1000], grown.height) == ("3.0", "1000", before.height + 1)
    assert "2 reported items are left out: their id is no whole number" in caplog.text


def test_a_word_for_a_missing_value_is_no_user_among_texts(folder, journal, tmp_path, caplog):
    found = read_folder(folder)
    as_texts = replace(found, events=found.events.with_columns(pl.col("user_id").cast(pl.String)))
    journal.append([event(number, user, "7").to_json() for number, user in enumerate(("None", "07", "7.0", "uuid-1"))])
    after = reported(tmp_path).added_to(as_texts).events
    assert after.tail(len(after) - len(found.events))["user_id"].to_list() == ["07", "7.0", "uuid-1"]
    assert "1 reported events are left out: their user's id stands for a missing value" in caplog.text


def test_leaves_out_a_line_that_is_not_whole_yet(folder, journal, tmp_path):
    journal.append([event(1, "5", "7").to_json(), event(2, "5", "8").to_json()])
    path = tmp_path / "heads" / JOURNAL
    path.write_bytes(path.read_bytes()[:-5])
    assert [one.facts["id"] for one in read_journal(path)] == ["e1"]


def test_makes_reports_part_of_the_next_fit_and_counts_each_once(folder, tmp_path):
    store, file = HeadStore(tmp_path / "heads"), tmp_path / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, file, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    settings = FitSettings(
        features=FEATURES, competing_methods=CompetingMethods(own=False), preparation=Preparation(repeats="keep")
    )
    fit_recommender(folder, file, store, settings)
    service = RecommendService(store, FileJournal(tmp_path / "heads" / JOURNAL))
    service.upsert([NewItem(item_id="1000", text="group2 item20 item21")])
    service.report([event(number, "900", item) for number, item in enumerate(("7", "8", "1000", "7"))])
    service.report([event(5, "901", "7")])
    forgotten = read_served(store).users.user_ids[0]
    service.forget(forgotten)
    live = service.recommend(ListRequest(user="900", k=5))
    fit_recommender(folder, file, store, settings, reported(tmp_path))
    users = read_served(store).users
    assert "900" in users.user_ids
    assert forgotten not in users.user_ids
    assert users.sequences.items[users.sequences.offsets[users.user_ids.index("901")]] == 7
    service.report([event(10, "900", "9")])
    service.swap()
    recommender = service._live.recommender
    history, _, _ = service._told.histories.of("900", (), recommender, fitted_until=read_served(store).reports_until)
    assert [recommender.items.item_ids[row] for row in history] == ["7", "8", "1000", "7", "9"]
    assert service.head != live.head
