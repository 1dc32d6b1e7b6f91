"""Impressions: split in time, with nothing in them that was clicked later."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest

from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.impressions import NOBODY, FurtherUsers, Impressions, impression_cuts, read_impressions
from client.data.platform import Platform, examples, training_sequences
from client.data.preparation import further_users, prepare
from client.data.source import read_folder
from tests.unit.client.data.clicks import DAYS, NEVER, SHOWN, USERS, click_folder
from tests.unit.client.data.folders import BEGIN


def opened(path: Path, *, further: FurtherUsers = NOBODY, **options: object) -> tuple[Platform, Impressions]:
    folder, preparation = read_folder(path), Preparation(**options)  # type: ignore[arg-type]
    platform = prepare(folder, preparation, name="news", seed=0)
    found = read_impressions(folder, preparation, platform, seed=0, further=further)
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
    users = platform.encoder_users
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


def with_few_events(folder: Path, ids: list[int]) -> Path:
    """Users beside the others who met two items once, too few for a platform, and have a page on the last day."""
    events, pages = (pl.read_parquet(folder / f"{name}.parquet") for name in ("events", "impressions"))
    for one in ids:
        own = events.filter(pl.col("user_id") == 7).head(2).with_columns(user_id=pl.lit(one, pl.Int64))
        page = pages.filter(pl.col("user_id") == 7).tail(1).with_columns(user_id=pl.lit(one, pl.Int64))
        events, pages = pl.concat([events, own]), pl.concat([pages, page])
    events.write_parquet(folder / "events.parquet")
    pages.write_parquet(folder / "impressions.parquet")
    return folder


def few(path: Path, **options: object) -> tuple[Platform, FurtherUsers]:
    folder, preparation = read_folder(path), Preparation(**options)  # type: ignore[arg-type]
    platform = prepare(folder, preparation, name="news", seed=0)
    return platform, further_users(folder, preparation, platform, 0)


def test_has_the_impressions_of_users_with_too_few_events_with_what_they_met(tmp_path: Path) -> None:
    path = with_few_events(click_folder(tmp_path), [500, 501])
    platform, further = few(path)
    assert set(further.ids) == {"500", "501"}
    assert not set(further.ids) & set(platform.user_ids)
    alone, found = opened(path)[1], opened(path, further=further)[1]
    assert len(alone.at(Stage.TEST)) == USERS
    rows = np.flatnonzero(found.users >= platform.n_users)
    assert found.users[rows].tolist() == [platform.n_users, platform.n_users + 1]
    assert found.stages[rows].tolist() == [2, 2]
    assert found.histories.lengths()[rows].tolist() == [2, 2]
    # numbers are places among all ids of the folder: 0..119, then the two
    assert found.user_numbers[found.users[rows]].tolist() == [USERS, USERS + 1]


def test_leaves_out_users_with_too_few_events_who_are_outside_the_part(tmp_path: Path) -> None:
    path = with_few_events(click_folder(tmp_path), list(range(500, 560)))
    everybody = set(few(path)[1].ids)
    halves = [set(few(path, users=part)[1].ids) for part in ((0, 50), (50, 100))]
    assert len(everybody) == 60
    assert halves[0] | halves[1] == everybody
    assert not halves[0] & halves[1]
    platform, further = few(path, max_users=30)
    # thirty of 120 are in after a quarter of the order or so, and so is a quarter of the others
    assert 5 <= len(further.ids) <= 30
    assert platform.n_users == 30


def test_trains_on_users_with_too_few_events_inside_the_fraction_alone(tmp_path: Path) -> None:
    path = with_few_events(click_folder(tmp_path), list(range(500, 560)))
    assert few(path)[1].training.all()
    # 60 draws of a half: 30 give or take four
    assert 18 <= few(path, fraction=0.5)[1].training.sum() <= 42


def test_logs_what_training_users_were_shown_and_clicked_at_any_stage(tmp_path: Path) -> None:
    path = click_folder(tmp_path)
    platform, found = opened(path)
    assert len(found.shown_log) == USERS * DAYS * SHOWN
    assert len(found.clicked_log) == USERS * (6 + DAYS)
    assert (np.diff(found.clicked_log.times) >= 0).all()
    platform, found = opened(path, fraction=0.5)
    assert len(found.shown_log) == len(platform.training_users) * DAYS * SHOWN
    assert len(found.clicked_log) == len(platform.training_users) * (6 + DAYS)


def test_logs_no_event_whose_time_is_not_known(tmp_path: Path) -> None:
    path = click_folder(tmp_path)
    events = pl.read_parquet(path / "events.parquet")
    events.with_columns(time_known=pl.col("timestamp") >= BEGIN + 10).write_parquet(path / "events.parquet")
    _, found = opened(path)
    assert len(found.clicked_log) == USERS * DAYS
    assert found.has_clock


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
