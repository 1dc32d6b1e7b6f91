import numpy as np
import pytest

from shared.encoder.linear import RIDGE_PAIRS, LinearMap, Moments, joined, solve, usual_ridge
from shared.errors import InputError


def moments_of(q, y):
    return Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=float(len(q)))


def unit_rows(rng, rows, dim):
    values = rng.normal(size=(rows, dim))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def four_platforms(dim=8):
    rng = np.random.default_rng(0)
    return [(unit_rows(rng, 50 + 9 * k, dim), unit_rows(rng, 50 + 9 * k, dim)) for k in range(4)]


def test_sums_to_the_moments_of_the_pooled_pairs():
    pairs = four_platforms()
    total = sum((moments_of(q, y) for q, y in pairs), Moments.zero(8))
    pooled = moments_of(np.concatenate([q for q, _ in pairs]), np.concatenate([y for _, y in pairs]))
    assert np.abs(solve(total).W - solve(pooled).W).max() < 1e-5


def test_forgets_a_platform_that_is_subtracted():
    parts = [moments_of(q, y) for q, y in four_platforms()]
    total = sum(parts, Moments.zero(8))
    without = sum(parts[:3], Moments.zero(8))
    assert np.abs(solve(total - parts[3]).W - solve(without).W).max() < 1e-5


def test_survives_its_flat_form():
    moments = moments_of(*four_platforms()[0])
    flat = moments.to_flat()
    assert flat.shape == (Moments.flat_size(8),)
    again = Moments.from_flat(flat, 8)
    assert np.array_equal(again.to_flat(), flat)
    assert np.allclose(again.A, moments.A, atol=1e-12)
    assert again.n == 50


def test_refuses_a_flat_form_of_another_length_or_dtype():
    with pytest.raises(ValueError, match="flat moments"):
        Moments.from_flat(np.zeros(5), 8)
    with pytest.raises(ValueError, match="flat moments"):
        Moments.from_flat(np.zeros(Moments.flat_size(8), np.float32), 8)


def test_solves_the_formula():
    q, y = four_platforms()[2]
    n, dim = q.shape
    cov_q, cov_y = np.cov(q.T, bias=True), np.cov(y.T, bias=True)
    cross = (q - q.mean(0)).T @ (y - y.mean(0)) / n
    left = np.linalg.inv(cov_q + 0.03 * np.trace(cov_q) / dim * np.eye(dim))
    right = np.linalg.inv(cov_y + 0.03 * np.trace(cov_y) / dim * np.eye(dim))
    assert np.allclose(solve(moments_of(q, y), 0.03).W, left @ cross @ right, rtol=1e-4, atol=1e-5)


def test_joins_own_pairs_to_a_received_map_by_the_formula():
    received, (q, y) = solve(moments_of(*four_platforms()[1]), 0.03), four_platforms()[2]
    n, dim = q.shape
    cov_q, cov_y = np.cov(q.T, bias=True), np.cov(y.T, bias=True)
    cross = (q - q.mean(0)).T @ (y - y.mean(0)) / n
    ridge = RIDGE_PAIRS / (5 * n)
    left = np.linalg.inv(cov_q + ridge * np.trace(cov_q) / dim * np.eye(dim))
    right = np.linalg.inv(cov_y + ridge * np.trace(cov_y) / dim * np.eye(dim))
    wanted = received.W + left @ (cross - cov_q @ received.W @ cov_y) @ right
    found = joined(received, moments_of(q, y), 5)
    assert np.allclose(found.W, wanted, rtol=1e-4, atol=1e-5)
    assert np.allclose(found.mean_q, q.mean(0), atol=1e-6)


def test_joins_nothing_where_own_pairs_hardly_count_and_forgets_the_received_map_where_they_count_most():
    received, pairs = solve(moments_of(*four_platforms()[1]), 0.03), moments_of(*four_platforms()[2])
    assert np.allclose(joined(received, pairs, 1e-6).W, received.W, atol=1e-4)
    ridge = 1e-5
    own = solve(pairs, ridge).W
    assert np.abs(joined(received, pairs, RIDGE_PAIRS / (ridge * pairs.n)).W - own).max() < 0.01 * np.abs(own).max()


def test_refuses_to_join_moments_of_no_pair():
    with pytest.raises(InputError, match="at least one pair"):
        joined(LinearMap.zero(8), Moments.zero(8), 1.0)


def test_counts_scaled_pairs_as_if_repeated():
    q, y = four_platforms()[0]
    twice = moments_of(np.concatenate([q, q]), np.concatenate([y, y]))
    assert np.allclose(moments_of(q, y).scaled(2).to_flat(), twice.to_flat())


def test_scores_centred_queries_and_items():
    rng = np.random.default_rng(1)
    W, mean_q, mean_y = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)
    parts = {"W": W, "mean_q": mean_q, "mean_y": mean_y}
    linear = LinearMap(**{name: value.astype(np.float32) for name, value in parts.items()})
    q, x = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    scores = linear.scores(q, x)
    assert scores.dtype == np.float32
    assert np.allclose(scores, (q - mean_q) @ W @ (x - mean_y).T, atol=1e-5)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_refuses_moments_that_are_not_finite(broken):
    moments = moments_of(*four_platforms()[0])
    moments.A[0, 0] = broken
    with pytest.raises(InputError, match="finite"):
        solve(moments)


def test_refuses_moments_of_no_pair():
    with pytest.raises(InputError, match="at least one pair"):
        solve(Moments.zero(4))


def test_refuses_moments_that_no_pairs_have():
    moments = moments_of(*four_platforms()[0])
    forged = Moments(A=-moments.A, B=moments.B, C=moments.C, sum_q=moments.sum_q, sum_y=moments.sum_y, n=moments.n)
    with pytest.raises(InputError, match="positive definite"):
        solve(forged)


@pytest.mark.parametrize(("pairs", "ridge"), [(1, 1.0), (10_000, 1.0), (50_000, 0.2), (200_000, 0.05), (1e7, 0.05)])
def test_believes_more_pairs_more(pairs, ridge):
    assert usual_ridge(pairs) == pytest.approx(ridge)


def test_takes_the_usual_ridge_where_none_is_given():
    moments = moments_of(*four_platforms()[0])
    assert np.array_equal(solve(moments).W, solve(moments, usual_ridge(moments.n)).W)
    assert not np.array_equal(solve(moments).W, solve(moments, 0.1).W)
