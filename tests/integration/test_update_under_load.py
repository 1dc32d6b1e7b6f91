"""An agent that serves while it updates and goes back: no list is wrong, none is dropped."""

import pytest

from benchmarks.release_update import table, updated_under_load


@pytest.mark.slow
def test_no_list_is_wrong_or_dropped_while_agents_update(tmp_path) -> None:
    shops = updated_under_load(tmp_path, agents=2, rate=20, updates=2)
    for shop in shops:
        assert len(shop.answers) > 100
        assert (shop.dropped, shop.wrong) == (0, 0)
        assert shop.heads == 2, "lists of the release before and of the new one"
    assert table(shops).count("\n") == 4
