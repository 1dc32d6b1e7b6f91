"""Events of one user at one time."""

import numpy as np
import polars as pl
import pytest

from client.data.ties import by_user_and_time, in_seeded_order, tied

EVENTS = pl.DataFrame(
    {
        "user_id": [f"user {row // 4}" for row in range(400)],
        "item_id": [row % 4 for row in range(400)],
        "timestamp": [row // 4 for row in range(400)],
        "rating": [1.0] * 400,
    }
)


def order(events: pl.DataFrame) -> list[tuple[object, ...]]:
    return in_seeded_order(events).sort("user_id", "timestamp", maintain_order=True).rows()


def test_the_order_of_ties_does_not_hang_on_the_order_of_rows() -> None:
    assert order(EVENTS) == order(EVENTS.sample(fraction=1, shuffle=True, seed=1))
    assert order(EVENTS) == order(pl.concat([EVENTS, EVENTS.with_columns(user_id=pl.lit("z"))]))[: len(EVENTS)]


def test_no_item_is_last_more_often_than_others() -> None:
    last = pl.DataFrame(order(EVENTS), orient="row", schema=EVENTS.schema).group_by("user_id").last()
    times = last["item_id"].value_counts()["count"]
    assert len(times) == 4
    assert times.is_between(10, 40).all()  # 25 are expected, three and a half standard deviations are 15


def test_finds_events_that_share_user_and_time() -> None:
    events = pl.DataFrame({"user_id": [1, 1, 1, 2], "timestamp": [5.5, 5.5, 6.0, 5.5]})
    assert tied(events).to_list() == [True, True, False, False]


@pytest.mark.parametrize("seed", range(3))
def test_drawing_ties_alone_is_drawing_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = {
        name: rng.integers(most, size=200) for name, most in (("user_id", 9), ("item_id", 30), ("timestamp", 40))
    }
    events = pl.DataFrame({**columns, "rating": rng.random(200)})
    assert 2 < tied(events).sum() < 200
    assert by_user_and_time(events, draw_ties=True).rows() == order(events)
    as_they_stood = events.sort("user_id", "timestamp", maintain_order=True)
    assert by_user_and_time(events, draw_ties=False).equals(as_they_stood)
    assert order(events) != as_they_stood.rows()
