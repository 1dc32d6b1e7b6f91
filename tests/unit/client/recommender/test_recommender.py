import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from client.cli.main import app, run
from client.cli.recommend import answer
from client.data.folder_options import Preparation
from client.data.sequences import Sequences
from client.ensemble.candidates import LOCAL
from client.ensemble.scorer_names import readable
from client.fitting.fit_settings import FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender
from client.recommender.recommender import ListQuery, Recommender, open_recommender
from client.recommender.served_head import RECORD, read_served, served_ensembles
from client.store.head_store import HeadStore, StoredRecord
from client.training.loop import TrainingSettings
from shared.errors import DataError, FeatureSpaceMismatch, HeadStoreError
from tests.integration.tiny_folders import N_ITEMS, write_tiny_folder
from tests.small_space import FEATURES
from tests.unit.client.recommender.served_world import served_world

QUICK = TrainingSettings(epochs=1, tokens=256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_folder(tmp_path_factory.mktemp("recommender") / "shop")


@pytest.fixture(scope="module")
def encoder_file(folder):
    out = folder.parent / "encoder.safetensors"
    pretrain_folder(folder, out, preparation=Preparation(), features=FEATURES, preset="tiny", settings=QUICK)
    return out


@pytest.fixture(scope="module")
def heads(folder, encoder_file):
    path = folder.parent / "heads"
    fit_recommender(folder, encoder_file, HeadStore(path), FitSettings(features=FEATURES))
    return path


@pytest.fixture(scope="module")
def recommender(heads):
    return open_recommender(HeadStore(heads))


def test_serves_what_the_gate_chose_and_keeps_why(heads):
    verdict = HeadStore(heads).read(RECORD).facts["verdict"]
    assert verdict["served"] in {LOCAL, "feature"}
    assert verdict["reason"]


def test_answers_with_the_ensembles_own_best_items_and_scores(heads, recommender):
    history = recommender.history_of("3")
    whole = whole_ensemble(heads)
    scores = whole.ensemble.served(whole.weights, sequences_of(history))[0]
    answers = recommender.recommend(history, ListQuery(k=5, reasons=True))
    assert [one.score for one in answers] == pytest.approx(scores.topk(5).values.tolist(), rel=1e-4)
    assert not set(history.tolist()) & {one.item for one in answers}


def test_says_what_each_scorer_adds_so_that_the_parts_sum_to_the_score(recommender):
    for one in recommender.recommend(recommender.history_of("3"), ListQuery(k=5, reasons=True)):
        added = [value for _, value in one.scorers]
        assert sum(added) == pytest.approx(one.score, abs=1e-4)
        assert added == sorted(added, reverse=True)


def test_says_how_far_a_score_falls_without_an_event_of_the_history(heads, recommender):
    history = recommender.history_of("3")
    best = recommender.recommend(history, ListQuery(k=1, reasons=True))[0]
    whole = whole_ensemble(heads)
    row, fall = best.history[0]
    without = sequences_of(np.delete(history, history.tolist().index(row)))
    scores = whole.ensemble.served(whole.weights, without)[0]
    assert best.score - float(scores[best.item]) == pytest.approx(fall, abs=1e-4)
    assert fall == max(value for _, value in best.history)


def test_answers_an_empty_history_with_what_is_popular(recommender):
    answers = recommender.recommend(np.zeros(0, np.int32), ListQuery(k=5, reasons=True))
    counted = np.bincount(recommender.users.sequences.items, minlength=N_ITEMS)
    scorers = {name.partition("@")[0] for one in answers for name, _ in one.scorers}
    assert scorers == {"popularity", "recent", "age"}
    assert counted[[one.item for one in answers]].mean() > np.quantile(counted, 0.6)
    assert all(one.history == () for one in answers)


def test_gives_no_more_items_than_may_be_recommended(recommender):
    history = recommender.history_of("3")
    assert len(recommender.recommend(history, ListQuery(k=1000, reasons=True))) == N_ITEMS - len(set(history.tolist()))


def test_answers_alike_when_it_is_opened_again(heads, recommender):
    history = recommender.history_of("3")
    again = open_recommender(HeadStore(heads))
    assert again.recommend(history, ListQuery(k=5, reasons=True)) == recommender.recommend(
        history, ListQuery(k=5, reasons=True)
    )


def test_refuses_a_folder_of_heads_without_a_recommender(tmp_path):
    with pytest.raises(HeadStoreError, match="graft-client fit"):
        open_recommender(HeadStore(tmp_path / "none"))


def test_refuses_a_record_of_another_kind(tmp_path):
    store = HeadStore(tmp_path)
    store.write(RECORD, StoredRecord(arrays={}, facts={"weights": 1}))
    with pytest.raises(HeadStoreError, match="no fitted recommender"):
        open_recommender(store)


def test_refuses_a_record_of_another_feature_space(heads, tmp_path):
    stored = HeadStore(heads).read(RECORD)
    store = HeadStore(tmp_path)
    store.write(RECORD, StoredRecord(arrays=stored.arrays, facts={**stored.facts, "fingerprint": "another"}))
    with pytest.raises(FeatureSpaceMismatch, match="another"):
        open_recommender(store)


def test_does_not_repeat_the_id_of_an_unknown_user(recommender):
    with pytest.raises(DataError, match="not among") as refused:
        recommender.history_of("somebody-private")
    assert "somebody-private" not in str(refused.value)


def test_recommends_at_the_terminal(folder, encoder_file, tmp_path, capsys):
    heads = str(tmp_path / "heads")
    app(
        ["fit", str(folder), "--encoder", str(encoder_file), "--heads", heads, "--features", FEATURES],
        standalone_mode=False,
    )
    assert "serves" in capsys.readouterr().out
    arguments = ["recommend", "--heads", heads, "--user", "3", "--k", "4"]
    app([*arguments, "--json"], standalone_mode=False)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 4
    app(arguments, standalone_mode=False)
    table = capsys.readouterr().out
    assert all(row["item"] in table for row in rows)


def test_lists_at_the_terminal_what_goes_with_a_basket(capsys):
    completing = Recommender.of(served_world(baskets=True))
    answer(completing, "u5", 40, as_json=True, basket=("30", "31", "30"), reasons=True)
    rows = json.loads(capsys.readouterr().out)
    assert not {"30", "31"} & {row["item"] for row in rows}
    assert any(part["name"].startswith("basket-") for row in rows for part in row["scorers"])
    with pytest.raises(DataError, match="1 of the 2 items of the basket are not in the catalogue"):
        answer(completing, "u5", 40, as_json=True, basket=("30", "nowhere"))


@pytest.mark.parametrize(
    ("user", "basket", "basis"), [(None, ("30",), "basket"), ("u5", (), "history"), (None, (), "popularity")]
)
def test_says_at_the_terminal_what_a_list_rests_on(user, basket, basis, capsys):
    answer(Recommender.of(served_world(baskets=True)), user, 4, as_json=False, basket=basket)
    assert f"rests on: {basis}" in capsys.readouterr().out


@pytest.mark.parametrize("repeats", [False, True])
def test_what_is_in_the_basket_stands_last_and_once_unless_users_meet_items_again(repeats):
    recommender = Recommender.of(served_world(baskets=True, repeats=repeats))
    history = recommender.history_of("u5")
    basket = np.array([history[0], np.setdiff1d(np.arange(40), history)[0]], np.int32)
    items, times = recommender.past_of("u5", basket)
    before = history if repeats else history[~np.isin(history, basket)]
    assert items.tolist() == [*before, *basket]
    assert len(before) == len(history) - (0 if repeats else 1)
    assert np.isfinite(times).all()
    assert times[-1] == times[-2] == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("steers", ["\x1b[2Jgone", "\x1b]0;title\x07", "\u202egnp.exe", "\x9b31m"])
def test_what_an_item_is_called_cannot_steer_the_terminal(recommender, steers, capsys):
    names = tuple(f"{steers} {row}" for row in range(N_ITEMS))
    hostile = replace(recommender, items=replace(recommender.items, item_ids=names, texts=names))
    answer(hostile, "3", 4, as_json=False)
    table = capsys.readouterr().out
    assert "\N{REPLACEMENT CHARACTER}" in table
    assert all(letter.isprintable() for letter in table if letter != "\n")


def test_cuts_no_id_where_a_program_reads_the_list(recommender, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    names = tuple(f"a-shop-with-a-name-of-some-length-{row:060d}" for row in range(N_ITEMS))
    answer(replace(recommender, items=replace(recommender.items, item_ids=names)), "3", 4, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert sum(any(name in line for name in names) for line in lines) == 4


def test_prints_one_line_an_item_with_rank_id_title_and_score(recommender, capsys):
    answer(recommender, "3", 4, as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [set(row) for row in rows] == [{"rank", "item", "title", "score"}] * 4
    answer(recommender, "3", 4, as_json=False)
    *lines, basis = capsys.readouterr().out.splitlines()
    assert [re.split(r"  +", line.strip()) for line in lines] == [
        [str(row["rank"]), row["item"], row["title"], f"{row['score']:.2f}"] for row in rows
    ]
    assert basis == "rests on: history"


def test_says_reasons_where_they_are_asked_for(recommender, capsys):
    answer(recommender, "3", 4, as_json=True, reasons=True)
    rows = json.loads(capsys.readouterr().out)
    assert all(row["scorers"] and row["history"] for row in rows)
    answer(recommender, "3", 4, as_json=False, reasons=True)
    lines = capsys.readouterr().out.splitlines()
    first = rows[0]["scorers"][0]
    assert sum(line.strip().startswith("scorers: ") for line in lines) == 4
    assert sum(line.strip().startswith("history: ") for line in lines) == 4
    assert first["words"] == readable(first["name"]) != first["name"]
    assert f"scorers: {first['words']} {first['adds']:+.2f}" in lines[1]
    assert lines[-1].endswith("how far the score would fall without that earlier item")


def test_ends_a_missing_recommender_with_one_sentence_and_code_2(tmp_path, capsys):
    arguments = ["recommend", "--heads", str(tmp_path / "none"), "--user", "3"]
    with pytest.raises(SystemExit) as stop:
        run(lambda: app(arguments, standalone_mode=False))
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def whole_ensemble(heads):
    return served_ensembles(read_served(HeadStore(heads))).whole


def sequences_of(history):
    return Sequences(offsets=np.array([0, len(history)]), items=history)
