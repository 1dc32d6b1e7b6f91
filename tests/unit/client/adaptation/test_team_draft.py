"""Both sides give as many items as fairness allows, each their best, and neither stands in front more often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from client.adaptation.team_draft import CHALLENGER, CHAMPION, team_draft

ranked = st.lists(st.integers(0, 15).map(str), unique=True, max_size=12)


@given(ranked, ranked, st.integers(1, 12), st.integers(0, 1000))
def test_holds_each_item_once_and_each_side_gives_its_best(champion, challenger, k, seed):
    coins = np.random.default_rng(seed)
    picked = team_draft(champion, challenger, k, lambda: bool(coins.integers(2)))
    items = [place.item for place in picked]
    assert len(items) == len(set(items)) == min(k, len({*champion, *challenger}))
    for place, pick in enumerate(picked):
        side = champion if pick.side == CHAMPION else challenger
        assert all(item in items[:place] for item in side[: side.index(pick.item)])


@given(st.integers(0, 1000))
def test_both_sides_give_as_many_while_they_have_some(seed):
    coins = np.random.default_rng(seed)
    picked = team_draft(
        [str(n) for n in range(10)], [str(n) for n in range(5, 15)], 10, lambda: bool(coins.integers(2))
    )
    assert sum(pick.side == CHAMPION for pick in picked) == 5


def test_two_equal_lists_stay_one_whose_items_are_of_either_side_alike():
    coins = np.random.default_rng(5)
    items = [str(n) for n in range(10)]
    lists = [team_draft(items, items, 10, lambda: bool(coins.integers(2))) for _ in range(2_000)]
    assert all([pick.item for pick in picked] == items for picked in lists)
    of_challenger = np.array([[pick.side == CHALLENGER for pick in picked] for picked in lists])
    np.testing.assert_allclose(of_challenger.mean(axis=0), 0.5, atol=0.04)
