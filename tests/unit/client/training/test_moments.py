import itertools

import numpy as np

from client.data.sequences import Sequences, select
from client.scorers.scorer import HistoryBatch
from client.training import moments as module
from client.training.moments import DECAY, platform_moments
from shared.encoder.linear import Moments, solve
from tests.unit.client.training.world import N_ITEMS, features, ragged, walks


def pairs_one_by_one(x, sequences):
    queries, targets = [], []
    for user in range(len(sequences)):
        state = np.zeros(x.shape[1])
        items = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]]
        for now, following in itertools.pairwise(items):
            state = 0.6 * state + x[now]
            queries.append(state / np.linalg.norm(state))
            targets.append(x[following])
    return np.array(queries), np.array(targets, np.float64)


def test_sums_every_pair_of_a_history_and_its_next_item(monkeypatch):
    monkeypatch.setattr(module, "USERS_AT_ONCE", 7)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 5)
    x, sequences = features(), walks()
    found = platform_moments(x, sequences)
    q, y = pairs_one_by_one(x, sequences)
    assert found.n == len(q)
    assert np.allclose(found.A, q.T @ q)
    assert np.allclose(found.B, q.T @ y)
    assert np.allclose(found.C, y.T @ y)
    assert np.allclose(found.sum_q, q.sum(0))
    assert np.allclose(found.sum_y, y.sum(0))


def test_alike_sequences_count_by_the_mean_over_their_pairs(monkeypatch):
    monkeypatch.setattr(module, "USERS_AT_ONCE", 7)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 5)
    x, sequences = features(), ragged([[1, 2, 3, 4, 5], [6], [7, 8], [], [3, 1, 2]])
    alone = [platform_moments(x, select(sequences, np.array([row]))) for row in (0, 2, 4)]
    expected = sum((each.scaled(1 / each.n) for each in alone), Moments.zero(8))
    found = platform_moments(x, sequences, alike=True)
    assert found.n == 3
    assert np.allclose(found.to_flat(), expected.to_flat())


def test_finds_no_pair_in_sequences_of_one_item():
    found = platform_moments(features(), ragged([[1], [], [3]]))
    assert found.n == 0
    assert not found.to_flat().any()


def test_gives_the_pooled_map_from_four_platforms_and_forgets_one():
    x = features()
    parts = [walks(users=40 + 5 * k, seed=k) for k in range(4)]
    pooled = Sequences(
        offsets=np.concatenate([[0], np.cumsum(np.concatenate([part.lengths() for part in parts]))]),
        items=np.concatenate([part.items for part in parts]),
    )
    each = [platform_moments(x, part) for part in parts]
    total = sum(each, Moments.zero(8))
    assert np.abs(solve(total).W - solve(platform_moments(x, pooled)).W).max() < 1e-5
    three = select(pooled, np.arange(len(pooled) - len(parts[3])))
    assert np.abs(solve(total - each[3]).W - solve(platform_moments(x, three)).W).max() < 1e-5


def test_bounds_what_one_user_adds():
    one = platform_moments(features(), ragged([list(range(11))]))
    assert np.isclose(np.trace(one.A), 10)
    assert np.isclose(np.trace(one.C), 10)


def test_reads_long_histories_as_the_linear_scorer_does():
    x = features()
    history = np.random.default_rng(0).integers(0, N_ITEMS, 200).tolist()
    q, _ = pairs_one_by_one(x, ragged([[*history, 0]]))
    assert np.allclose(HistoryBatch(ragged([history]), N_ITEMS).mean(DECAY, x)[0], q[-1], atol=1e-6)
