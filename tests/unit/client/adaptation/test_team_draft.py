"""Both sides give as many items as fairness allows, each their best, and neither stands in front more often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from client.adaptation.team_draft import CHALLENGER, CHAMPION, NEITHER, team_draft

ranked = st.lists(st.integers(0, 15).map(str), unique=True, max_size=12)


@given(ranked, ranked, st.integers(1, 12), st.integers(0, 1000))
def test_holds_each_item_once_and_each_side_gives_its_best(champion, challenger, k, seed):
    coins = np.random.default_rng(seed)
    picked = team_draft(champion, challenger, k, lambda: bool(coins.integers(2)))
    items = [place.item for place in picked]
    assert len(items) == len(set(items)) == min(k, len({*champion, *challenger}))
    for place, pick in enumerate(picked):
        givers = {CHAMPION: [champion], CHALLENGER: [challenger], NEITHER: [champion, challenger]}[pick.side]
        assert all(item in items[:place] for giver in givers for item in giver[: giver.index(pick.item)])


@given(st.integers(0, 1000))
def test_both_sides_give_as_many_while_they_have_some(seed):
    coins = np.random.default_rng(seed)
    ours, theirs = ([str(n) for n in range(first, first + 10)] for first in (0, 20))
    picked = team_draft(ours, theirs, 10, lambda: bool(coins.integers(2)))
    assert sum(pick.side == CHAMPION for pick in picked) == 5


def test_two_equal_lists_stay_one_and_tell_nothing_but_what_a_coin_says():
    coins = np.random.default_rng(5)
    items = [str(n) for n in range(10)]
    lists = [team_draft(items, items, 10, lambda: bool(coins.integers(2))) for _ in range(2_000)]
    assert all([pick.item for pick in picked] == items for picked in lists)
    assert all(picked[0].side == NEITHER for picked in lists)
    shares = [np.mean([[pick.side == side for pick in picked] for picked in lists]) for side in (CHAMPION, CHALLENGER)]
    assert abs(shares[0] - shares[1]) < 0.02


def test_an_item_that_both_would_have_picked_at_once_is_nobodys():
    picked = team_draft(["p", "q"], ["p", "r"], 3, lambda: True)
    assert [(pick.item, pick.side) for pick in picked] == [("p", NEITHER), ("r", CHALLENGER), ("q", CHAMPION)]
