"""A pack tells nothing that fewer users than asked stand behind."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

from client.packing.thinned import Thinned, thinned
from client.scorers.age import FIRST
from client.scorers.transition import DEFAULT, LONG
from shared.errors import ConfigError
from tests.unit.client.device.world import counted, write_pack
from tests.unit.client.recommender.served_world import served_world

LEAST = 17


@pytest.fixture(scope="module")
def served():
    return counted(served_world(timed=True, shown=True))


@pytest.fixture(scope="module")
def rest(served) -> Thinned:
    return thinned(served, LEAST)


def histories(served) -> list[list[int]]:
    sequences = served.users.sequences
    return [sequences.items[start:end].tolist() for start, end in pairwise(sequences.offsets.tolist())]


def behind(pairs_of_user: list[set[tuple[int, int]]], n_items: int) -> np.ndarray:
    users = np.zeros((n_items, n_items), int)
    for pairs in pairs_of_user:
        for pair in pairs:
            users[pair] += 1
    return users


def require_thinned(before, after, users) -> None:
    before, after = sp.csr_array(before).toarray(), sp.csr_array(after).toarray()
    assert (after[users < LEAST] == 0).all()
    np.testing.assert_array_equal(after[users >= LEAST], before[users >= LEAST])
    assert (users[before != 0] < LEAST).any()
    assert after.any()


@pytest.mark.parametrize("name", ["item_similarity", "ease@100"])
def test_pairs_that_too_few_users_met_are_left_out(served, rest, name):
    met = [{(i, j) for i in items for j in items} for items in histories(served)]
    require_thinned(served.statistics[name], rest.served.statistics[name], behind(met, 40))


@pytest.mark.parametrize("settings", [DEFAULT, LONG], ids=["short", "long"])
def test_steps_that_too_few_users_took_are_left_out(served, rest, settings):
    taken = [
        {(items[place], items[place + lag]) for lag in settings.lags for place in range(len(items) - lag)}
        for items in histories(served)
    ]
    name = "transition" if settings is DEFAULT else f"transition_long@{','.join(map(str, settings.lags))}"
    require_thinned(served.statistics[name], rest.served.statistics[name], behind(taken, 40))


def test_counts_of_too_few_users_are_left_out(served, rest):
    users = np.bincount([item for items in histories(served) for item in set(items)], minlength=40)
    assert (users < LEAST).any()
    np.testing.assert_array_equal(rest.met_by, np.where(users >= LEAST, users, 0))
    counts = served.statistics["popularity"]
    np.testing.assert_array_equal(rest.served.statistics["popularity"], np.where(counts >= LEAST, counts, 0))


def test_what_was_met_lately_by_too_few_users_is_left_out(served, rest):
    state = served.statistics["table.recent"]
    sequences = served.users.sequences
    for half_life in state[1:]:
        lately = sequences.times >= state[0] - 3 * half_life
        keys = np.unique(np.stack([sequences.items[lately], sequences.owners()[lately]]), axis=1)
        users = np.bincount(keys[0], minlength=40)
        counts = rest.served.statistics[f"recent@{half_life:g}"]
        assert (counts[users < LEAST] == 0).all()
        assert (counts[users >= LEAST] > 0).all()


def test_an_item_was_first_seen_when_enough_users_had_met_it(served, rest):
    sequences = served.users.sequences
    first = [dict[int, float]() for _ in range(40)]
    for user, item, time in zip(sequences.owners()[::-1], sequences.items[::-1], sequences.times[::-1], strict=True):
        first[item][user] = time
    expected = [sorted(times.values())[LEAST - 1] if len(times) >= LEAST else 0.0 for times in first]
    np.testing.assert_array_equal(rest.served.statistics[FIRST], expected)


def test_impressions_do_not_tell_their_users(rest):
    shown = [name for name in rest.served.statistics if name.startswith("shown@")]
    assert shown
    assert not any(rest.served.statistics[name].any() for name in shown)


def test_what_was_learnt_of_an_id_by_too_few_users_is_left_out(served, rest):
    rare = rest.met_by == 0
    own = rest.served.parts.own
    assert not own.kept.head.v[rare].any()
    assert not own.ids.head().v[rare].any()
    np.testing.assert_array_equal(own.kept.head.v[~rare], served.parts.own.kept.head.v[~rare])


def test_a_record_that_does_not_tell_whose_events_it_counts_is_refused():
    with pytest.raises(ConfigError, match="tells whose events it counts"):
        thinned(served_world(), LEAST)


def test_a_pack_names_nobody(tmp_path):
    served = served_world()
    ids = tuple(f"somebody-{user}" for user in range(len(served.users.user_ids)))
    write_pack(tmp_path / "a.pack", replace(served, users=replace(served.users, user_ids=ids)))
    assert b"somebody" not in (tmp_path / "a.pack").read_bytes()
