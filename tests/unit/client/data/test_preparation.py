"""From a folder to a prepared platform: what is kept, in which order, and of whom."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.folder_options import Preparation
from client.data.platform import Platform
from client.data.preparation import prepare
from client.data.source import read_folder
from shared.errors import ConfigError, DataError
from tests.unit.client.data.folders import BEGIN, write_folder

USERS, ITEMS = 80, 12


def folder(path: Path, *, impressions: pl.DataFrame | None = None) -> Path:
    """Every user has five events, one a day; user u begins on day u."""
    users = np.repeat(np.arange(USERS), 5)
    events = pl.DataFrame(
        {
            "user_id": users,
            "item_id": (3 * users + np.tile(np.arange(5), USERS)) % ITEMS,
            "timestamp": BEGIN + users + np.tile(np.arange(5), USERS),
            "rating": np.tile([5.0, 1.0, 4.0, 4.0, 5.0], USERS),
        }
    ).sample(fraction=1.0, shuffle=True, seed=1)
    items = pl.DataFrame({"item_id": np.arange(ITEMS), "text": [f"thing {one}" for one in range(ITEMS)]})
    return write_folder(path, items=items, events=events, impressions=impressions)


def prepared(path: Path, **options: object) -> Platform:
    return prepare(read_folder(path), Preparation(**options), name="shop", seed=0)  # type: ignore[arg-type]


def items_of(platform: Platform, user: int) -> list[int]:
    row = platform.user_ids.index(str(user))
    part = platform.sequences.items[platform.sequences.offsets[row] : platform.sequences.offsets[row + 1]]
    return [int(platform.item_ids[item]) for item in part]


def test_puts_events_in_time_order(tmp_path: Path) -> None:
    assert items_of(prepared(folder(tmp_path)), 7) == [(21 + day) % ITEMS for day in range(5)]


def test_drops_events_rated_too_low(tmp_path: Path) -> None:
    assert items_of(prepared(folder(tmp_path), min_rating=4), 7) == [(21 + day) % ITEMS for day in (0, 2, 3, 4)]


@pytest.mark.parametrize(("repeats", "left"), [("first", [1, 2, 0]), ("keep", [1, 2, 1, 0])])
def test_drops_repeats_unless_they_are_kept(tmp_path: Path, repeats: str, left: list[int]) -> None:
    events = pl.DataFrame({"user_id": [9] * 4, "item_id": [1, 2, 1, 0], "timestamp": [BEGIN + day for day in range(4)]})
    items = pl.DataFrame({"item_id": [0, 1, 2], "text": ["a", "b", "c"]})
    platform = prepared(write_folder(tmp_path, items=items, events=events), repeats=repeats)
    assert items_of(platform, 9) == left


@pytest.mark.parametrize("kind", ["users", "time"])
def test_parts_of_one_folder_share_no_user(tmp_path: Path, kind: str) -> None:
    path = folder(tmp_path)
    first, second = prepared(path, **{kind: (0, 60)}), prepared(path, **{kind: (60, 100)})
    assert not set(first.user_ids) & set(second.user_ids)
    assert min(first.n_users, second.n_users) >= 25


def test_a_part_in_time_ends_where_the_next_begins(tmp_path: Path) -> None:
    path = folder(tmp_path)
    first, second = prepared(path, time=(0, 50)), prepared(path, time=(50, 100))
    day = 41  # user u has events on the days u .. u + 4, so half of all lie before day 42
    assert items_of(first, day - 2) == [(3 * (day - 2) + each) % ITEMS for each in range(3)]
    assert {int(user) for user in first.user_ids} == set(range(day - 1))
    assert {int(user) for user in second.user_ids} == set(range(day + 1, USERS))


def test_parts_of_one_catalogue_overlap_as_they_say(tmp_path: Path) -> None:
    path = folder(tmp_path)
    first, second = prepared(path, items=(0, 75)), prepared(path, items=(50, 100))
    assert (len(first.item_ids), len(second.item_ids)) == (9, 6)
    assert len(set(first.item_ids) & set(second.item_ids)) == 3


def test_a_fraction_leaves_the_test_users_as_they_are(tmp_path: Path) -> None:
    path = folder(tmp_path)
    whole, part = prepared(path), prepared(path, fraction=0.75)
    assert whole.user_ids == part.user_ids
    assert (len(whole.training_users), len(part.training_users)) == (80, 60)
    assert np.isin(part.training_users, whole.training_users).all()
    assert np.isin(part.calibration_users, part.training_users).all()


def test_a_user_has_the_same_number_under_every_seed_and_in_every_part(tmp_path: Path) -> None:
    whole = read_folder(folder(tmp_path))
    numbers: dict[str, set[int]] = {}
    for seed in (0, 1):
        for part in ((0, 60), (40, 100)):
            platform = prepare(whole, Preparation(users=part), name="shop", seed=seed)
            for user, number in zip(platform.user_ids, platform.user_numbers.tolist(), strict=True):
                numbers.setdefault(user, set()).add(number)
    assert {user: {int(user)} for user in numbers} == numbers
    assert len(numbers) == USERS


def test_never_trains_on_fewer_than_fifty_users(tmp_path: Path) -> None:
    assert len(prepared(folder(tmp_path), fraction=0.01).training_users) == 50


def test_trains_on_so_many_users_as_are_asked_for_the_same_as_a_fraction_draws(tmp_path: Path) -> None:
    path = folder(tmp_path)
    few, part = prepared(path, train_users=10), prepared(path, fraction=0.75)
    assert few.user_ids == part.user_ids
    assert len(few.training_users) == 10
    assert np.isin(few.training_users, part.training_users).all()
    assert len(prepared(path, train_users=1000).training_users) == USERS


def test_forgets_what_else_was_clicked_on_the_page_of_a_held_out_click(tmp_path: Path) -> None:
    events = pl.DataFrame(
        {"user_id": [9] * 6, "item_id": [0, 1, 2, 3, 4, 5], "timestamp": [BEGIN + day for day in (1, 2, 3, 4, 5, 5)]}
    )
    items = pl.DataFrame({"item_id": np.arange(6), "text": [f"thing {one}" for one in range(6)]})
    page = pl.DataFrame(
        {"user_id": [9], "timestamp": [BEGIN + 5], "history": [[0]], "candidates": [[4, 5, 0]], "labels": [[1, 1, 0]]}
    )
    path = write_folder(tmp_path, items=items, events=events, impressions=page)
    assert len(items_of(prepared(path, protocol="position"), 9)) == 5
    assert len(items_of(prepared(path), 9)) == 6  # one basket, of which nothing is in its own history


def test_refuses_a_part_in_time_without_an_order() -> None:
    with pytest.raises(ConfigError, match="order=none"):
        Preparation(time=(0, 50), ordered=False)


@pytest.mark.parametrize(("least", "left"), [(None, [1, 3, 4]), (0, [0, 1, 3, 4]), (-1000, [0, 1, 2, 3, 4])])
def test_drops_what_is_rated_0_or_less_unless_told_otherwise(
    tmp_path: Path, least: float | None, left: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    events = pl.DataFrame(
        {"user_id": [9] * 5, "item_id": range(5), "timestamp": range(5), "rating": [0.0, 1.0, -1.0, 0.5, 3.0]}
    )
    items = pl.DataFrame({"item_id": range(5), "text": list("abcde")})
    path = write_folder(tmp_path, items=items, events=events)
    assert items_of(prepared(path, min_rating=least), 9) == left
    assert ("1 events are rated 0 and 1 below 0" in caplog.text) == (least is None)


def test_says_how_much_was_left_after_each_step_where_nobody_is(tmp_path: Path) -> None:
    again = pl.DataFrame(
        {"user_id": [8, 8, 8, 9, 9, 9, 9], "item_id": [0] * 3 + [1] * 4, "timestamp": [0, 1, 2, 0, 1, 2, 3]}
    )
    rated = again.with_columns(rating=pl.Series([1.0] * 6 + [0.0]))
    items = pl.DataFrame({"item_id": [0, 1], "text": ["a", "b"]})
    with pytest.raises(DataError) as caught:
        prepared(write_folder(tmp_path, items=items, events=rated))
    assert (
        "read 2 users, 2 items, 7 events; after rating above 0 (min-rating=0 keeps 0) 2 users, 2 items, 6 events; "
        "after dropping repeats (repeats=keep keeps them) 2 users, 2 items, 2 events; "
        "after min-item-events 1 and min-user-events 3 0 users, 0 items, 0 events"
    ) in str(caught.value)


def test_says_so_where_nobody_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody is left"):
        prepared(folder(tmp_path), min_user_events=6)
