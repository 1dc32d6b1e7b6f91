"""How much updates count, on moments of made-up platforms whose next items follow a rotation of the history."""

import numpy as np
import pytest

from server.aggregation.size_classes import SizeClasses
from server.aggregation.weighting import ONE_DOMAIN, UNRELATED, Weighting, similarity, similarity_weights
from shared.encoder.linear import Moments, solve_all
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace
from shared.federation.config import RoundsConfig

DIM, PAIRS = 12, 4000
SPACE = FeatureSpace(name="test", parameters=(), dim=DIM, fingerprint="f")


def moments(rule: np.ndarray, seed: int, pairs: int = PAIRS) -> Moments:
    """[D, D] a rule that leads from a history vector to the next item's, with noise."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(pairs, DIM)) + 1.0
    y = q @ rule + rng.normal(size=(pairs, DIM))
    return Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=float(pairs))


def rotation(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))[0]


SHOPS, FILMS = rotation(0), -rotation(0)
FEDERATION = {
    "shop": moments(SHOPS, 1),
    "branch": moments(SHOPS, 2),
    "outlet": moments(SHOPS, 3),
    "films": moments(FILMS, 4),
}


def test_those_of_one_trade_help_each_other_and_a_stranger_does_not() -> None:
    found = similarity(FEDERATION)
    assert found["shop"].keys() == {"branch", "outlet", "films"}
    assert min(found["shop"]["branch"], found["branch"]["outlet"]) > 1
    assert max(found["films"].values()) < 0


def test_is_what_the_scores_of_true_and_of_unrelated_pairs_say() -> None:
    rng = np.random.default_rng(9)
    q = rng.normal(size=(50_000, DIM)) + 1.0
    y = q @ SHOPS + rng.normal(size=(50_000, DIM))
    held = Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=float(len(q)))
    from shared.encoder.linear import solve

    W = solve(FEDERATION["shop"]).W
    centred_q, centred_y = q - q.mean(0), y - y.mean(0)
    true = ((centred_q @ W) * centred_y).sum(1)
    unrelated = ((centred_q @ W) * rng.permutation(centred_y)).sum(1)
    expected = true.mean() / unrelated.std()
    assert similarity({"shop": FEDERATION["shop"], "held": held})["shop"]["held"] == pytest.approx(expected, rel=0.02)


def test_does_not_depend_on_how_many_pairs_the_helped_has() -> None:
    some = similarity({"shop": FEDERATION["shop"], "other": FEDERATION["branch"]})["shop"]["other"]
    many = similarity({"shop": FEDERATION["shop"], "other": FEDERATION["branch"].scaled(10)})["shop"]["other"]
    assert many == pytest.approx(some)


def test_an_unrelated_platform_counts_nothing_and_the_most_similar_1() -> None:
    found = similarity_weights(FEDERATION)
    assert found["films"] == 0
    assert max(found.values()) == 1
    assert min(found[name] for name in ("shop", "branch", "outlet")) > 0.9
    assert similarity_weights({"alone": FEDERATION["shop"]}) == {"alone": 1.0}


def mixed(share: float) -> Moments:
    """Ten times the pairs of a shop, by its rule in a share of the dimensions and the films' in the others."""
    columns = int(share * DIM)
    return moments(np.concatenate([SHOPS[:, :columns], FILMS[:, columns:]], axis=1), 5, pairs=10 * PAIRS)


def share_of_the_most(name: str, federation: dict[str, Moments]) -> float:
    helped = similarity(federation)
    means = [
        np.mean([max(min(there, helped[other][one]), 0.0) for other, there in row.items()])
        for one, row in helped.items()
    ]
    return float(means[list(helped).index(name)] / max(means))


def test_counts_in_proportion_between_an_unrelated_platform_and_one_of_the_domain() -> None:
    federation = {**FEDERATION, "mixed": mixed(0.6)}
    share = share_of_the_most("mixed", federation)
    weights = similarity_weights(federation)
    assert UNRELATED < share < ONE_DOMAIN
    assert weights["mixed"] == pytest.approx((share - UNRELATED) / (ONE_DOMAIN - UNRELATED))
    assert weights["mixed"] < 0.5


def test_those_of_one_trade_count_alike() -> None:
    federation = {**FEDERATION, "mixed": mixed(0.9)}
    assert similarity_weights(federation) == {"shop": 1, "branch": 1, "outlet": 1, "mixed": 1, "films": 0}
    assert ONE_DOMAIN < share_of_the_most("mixed", federation) < 0.9


def test_a_faint_help_leaves_no_trace() -> None:
    federation = {**FEDERATION, "mixed": mixed(0.5)}
    assert 0 < share_of_the_most("mixed", federation) < UNRELATED
    assert similarity_weights(federation)["mixed"] == 0


def test_moments_of_unrelated_platforms_count_nothing_under_similarity_alone() -> None:
    by_similarity = Weighting(RoundsConfig(weighting="similarity"), SizeClasses()).of_moments(FEDERATION)
    assert by_similarity == similarity_weights(FEDERATION)
    by_size = Weighting(RoundsConfig(weighting="sqrt-users"), SizeClasses())
    assert by_size.of_moments(FEDERATION) == dict.fromkeys(FEDERATION, 1.0)
    shops = {name: one for name, one in FEDERATION.items() if name != "films"}
    kept = solve_all(FEDERATION, ridge=0.1, weights=by_similarity)
    alone = solve_all(shops, ridge=0.1, weights=by_similarity)
    assert np.array_equal(kept.W, alone.W)
    assert not np.allclose(kept.W, solve_all(FEDERATION, ridge=0.1).W)


def test_counts_all_alike_or_by_the_root_of_registered_users_or_by_help() -> None:
    names, classes = ["shop", "films", "newcomer"], SizeClasses({"films": 1024, "shop": 4})
    assert Weighting(RoundsConfig(), classes).of(names, FEDERATION) == {"shop": 1, "films": 1, "newcomer": 1}
    by_size = Weighting(RoundsConfig(weighting="sqrt-users"), classes)
    assert by_size.of(names, {}) == {"shop": 2, "films": 32, "newcomer": 2}
    by_similarity = Weighting(RoundsConfig(weighting="similarity"), SizeClasses())
    weights = similarity_weights(FEDERATION)
    mean = sum(weights.values()) / len(weights)
    assert by_similarity.of(names, FEDERATION) == {"shop": weights["shop"], "films": 0, "newcomer": mean}
    assert by_similarity.of(names, {}) == {"shop": 1, "films": 1, "newcomer": 1}


def test_helps_no_more_for_claiming_more_pairs() -> None:
    honest = Weighting(RoundsConfig(weighting="similarity"), SizeClasses()).of_moments(FEDERATION)
    inflated = {**FEDERATION, "films": FEDERATION["films"].scaled(1e4)}
    assert Weighting(RoundsConfig(weighting="similarity"), SizeClasses()).of_moments(inflated) == pytest.approx(honest)


def test_needs_moments() -> None:
    with pytest.raises(ConfigError, match="weighting must be another one where no moments are sent; got 'similarity'"):
        RoundsConfig(weighting="similarity", moments=False)
