"""Impressions: split in time, with nothing in them that was clicked later."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest

from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.impressions import Impressions, impression_cuts, read_impressions
from client.data.platform import Platform, examples, training_sequences
from client.data.preparation import prepare
from client.data.source import read_folder
from tests.unit.client.data.clicks import DAYS, NEVER, SHOWN, USERS, click_folder


def opened(path: Path, **options: object) -> tuple[Platform, Impressions]:
    folder, preparation = read_folder(path), Preparation(**options)  # type: ignore[arg-type]
    platform = prepare(folder, preparation, name="news", seed=0)
    found = read_impressions(folder, preparation, platform, seed=0)
    assert found is not None
    return platform, found


def item_ids(folder: Path, found: Impressions) -> np.ndarray:
    texts = read_folder(folder).items["text"].to_list()
    return np.array([texts.index(text) for text in found.shown.texts])


def test_splits_by_time_and_never_within_a_time() -> None:
    times = pl.DataFrame({"timestamp": [1] * 5 + [2] * 2 + [3] * 3})
    # ten impressions: the seventh is at time 2, the ninth at time 3
    assert impression_cuts(times) == (2.0, 3.0)
    assert impression_cuts(times.head(0)) == (float("inf"), float("inf"))


def test_has_three_days_of_training_then_one_and_one(tmp_path: Path) -> None:
    _, found = opened(click_folder(tmp_path))
    assert [len(found.at(stage)) for stage in (Stage.VALIDATION, Stage.TEST)] == [USERS, USERS]
    assert 0 < len(found.at(Stage.TRAIN)) <= 3 * USERS
    assert found.candidates.lengths().tolist() == [SHOWN] * len(found)


def test_knows_items_that_nobody_has_clicked(tmp_path: Path) -> None:
    folder = click_folder(tmp_path)
    platform, found = opened(folder)
    assert str(NEVER) not in platform.item_ids
    row = item_ids(folder, found).tolist().index(NEVER)
    assert found.shown.known[row] == -1
    assert row in found.candidates.items
    known = found.shown.known >= 0
    ids = np.array(platform.item_ids).astype(int)
    assert (ids[found.shown.known[known]] == item_ids(folder, found)[known]).all()


def test_what_is_rated_0_was_not_met(tmp_path: Path) -> None:
    folder = click_folder(tmp_path)
    events = pl.read_parquet(folder / "events.parquet")
    unwanted = events["item_id"][0]
    rated = events.with_columns(rating=(pl.col("item_id") != unwanted).cast(pl.Float32))
    for table, met in ((events, True), (rated, False)):
        table.write_parquet(folder / "events.parquet")
        _, found = opened(folder)
        assert (unwanted in item_ids(folder, found)[found.met.items]) == met


def test_gives_an_impression_what_its_user_met_before_it(tmp_path: Path) -> None:
    folder = click_folder(tmp_path)
    platform, found = opened(folder)
    ids = item_ids(folder, found)
    day = {stage: found.at(stage)[0] for stage in (Stage.VALIDATION, Stage.TEST)}
    for row in day.values():
        user = int(platform.user_ids[found.users[row]])
        history = ids[found.histories.items[found.histories.offsets[row] : found.histories.offsets[row + 1]]]
        clicked = [(user + 7 + each) % 30 for each in range(3)]
        assert history.tolist() == list(dict.fromkeys([(user + each) % 30 for each in range(6)] + clicked))


def fingerprint(platform: Platform, found: Impressions) -> dict[str, object]:
    """All that may be learnt from, by platform ids."""
    trained = training_sequences(platform, np.arange(platform.n_users))
    judged = examples(platform, Stage.VALIDATION, np.arange(platform.n_users))
    ids = np.array(platform.item_ids)
    return {
        "trained": ids[trained.items].tolist(),
        "validation": ids[judged.targets].tolist(),
        "met": [found.shown.texts[item] for item in found.met.items],
        "histories": [found.shown.texts[item] for item in found.histories.items],
        "candidates": [found.shown.texts[item] for item in found.candidates.items],
        "shown": found.shown.texts,
        "training labels": found.only(found.at(Stage.TRAIN)).labels.tolist(),
    }


@pytest.mark.parametrize("protocol", ["position", "basket"])
def test_does_not_change_with_what_is_clicked_in_validation_and_test_impressions(
    tmp_path: Path, protocol: Literal["position", "basket"]
) -> None:
    first, second = (
        fingerprint(*opened(click_folder(tmp_path / str(place), chosen=place, from_day=DAYS - 2), protocol=protocol))
        for place in (0, 2)
    )
    if protocol == "basket":  # what is predicted may lie in such an impression; nothing is trained on it
        assert first.pop("validation") != second.pop("validation")
    assert first == second


def test_does_change_with_what_is_clicked_in_training_impressions(tmp_path: Path) -> None:
    first, second = (fingerprint(*opened(click_folder(tmp_path / str(place), chosen=place))) for place in (0, 2))
    assert all(first[name] != second[name] for name in ("trained", "met", "histories"))


def test_leaves_out_training_impressions_whose_click_an_encoder_may_have_been_trained_on(tmp_path: Path) -> None:
    folder = click_folder(tmp_path)
    platform, found = opened(folder)
    users = platform.contributing_users
    trained = training_sequences(platform, users)
    pairs = set(zip(users[trained.owners()], trained.items, strict=True))
    part = found.only(found.at(Stage.TRAIN))
    users = np.repeat(part.users, part.candidates.lengths())[part.labels]
    clicked = part.shown.known[part.candidates.items[part.labels]]
    assert len(clicked) > 0
    assert not pairs & set(zip(users, clicked, strict=True))


def test_takes_training_impressions_of_training_users_alone(tmp_path: Path) -> None:
    platform, found = opened(click_folder(tmp_path), fraction=0.5)
    assert set(found.users[found.at(Stage.TRAIN)]) <= set(platform.training_users)
    assert len(set(found.users[found.at(Stage.TEST)])) == USERS


@pytest.mark.parametrize("options", [{"ordered": False}, {"items": (0, 50)}, {"time": (0, 90)}])
def test_has_none_where_time_or_catalogue_is_not_whole(tmp_path: Path, options: dict[str, object]) -> None:
    folder, preparation = read_folder(click_folder(tmp_path)), Preparation(**options)  # type: ignore[arg-type]
    platform = prepare(folder, preparation, name="news", seed=0)
    assert read_impressions(folder, preparation, platform, seed=0) is None
    assert read_impressions(replace(folder, impressions=None), Preparation(), platform, seed=0) is None


@pytest.mark.parametrize(("seconds", "unmatched"), [(0, 0), (5, USERS * DAYS)])
def test_says_where_clicks_meet_no_event_and_so_are_not_held_out(tmp_path, seconds, unmatched):
    folder = click_folder(tmp_path)
    events = pl.read_parquet(folder / "events.parquet").with_columns(pl.col("timestamp") + seconds)
    events.write_parquet(folder / "events.parquet")
    notes = [note for note in read_folder(folder).notes if "clicks in impressions" in note]
    expected = f"{unmatched:,} of {USERS * DAYS:,} clicks in impressions are no event of their user, item and time"
    assert [note.startswith(expected) for note in notes] == [True] * bool(unmatched)
