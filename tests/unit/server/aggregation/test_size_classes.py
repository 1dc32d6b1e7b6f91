"""What a platform may weigh comes from its registered class, not from its word."""

import numpy as np
import pytest

from server.aggregation.size_classes import SizeClasses
from shared.encoder.linear import Moments, solve_all
from shared.errors import ConfigError

DIM = 6


def moments(seed: int, pairs: int = 500) -> Moments:
    rng = np.random.default_rng(seed)
    q, y = rng.normal(size=(pairs, DIM)), rng.normal(size=(pairs, DIM))
    return Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=float(pairs))


def test_who_has_no_class_counts_as_the_smallest_and_all_alike_where_none_has_one() -> None:
    assert SizeClasses({"a": 512, "b": 64}).of(["a", "b", "c"]) == {"a": 512, "b": 64, "c": 64}
    assert SizeClasses().of(["a", "c"]) == {"a": 1, "c": 1}


def test_what_a_platform_claims_weighs_nothing() -> None:
    classes, honest = (
        SizeClasses({"a": 512, "b": 512, "c": 512}),
        {name: moments(seed) for seed, name in enumerate("abc")},
    )
    claimed = {**honest, "b": honest["b"].scaled(1000.0)}
    for name, one in classes.counted(honest).items():
        assert np.allclose(classes.counted(claimed)[name].to_flat(), one.to_flat())


def test_counts_means_by_classes_and_as_many_pairs_as_honest_platforms_have() -> None:
    found = SizeClasses({"a": 512, "b": 1024}).counted({"a": moments(1, 500), "b": moments(2, 1000)})
    assert {name: one.n for name, one in found.items()} == pytest.approx({"a": 500, "b": 1000}, rel=0.045)
    assert found["b"].n == 2 * found["a"].n
    assert SizeClasses().counted({"a": moments(1, 500)})["a"].n == pytest.approx(500, rel=0.045)
    assert SizeClasses().counted({}) == {}


def test_a_larger_class_counts_in_proportion() -> None:
    both = {"a": moments(1), "b": moments(2)}
    found = solve_all(SizeClasses({"a": 64, "b": 192}).counted(both), ridge=0.1)
    by_hand = solve_all(both, ridge=0.1, weights={"a": 1.0, "b": 3.0})
    assert np.allclose(found.W, by_hand.W, atol=1e-6)


def test_comes_back_from_its_text() -> None:
    for users in ({}, {"a": 512, "b-c.d": 64}):
        assert SizeClasses.from_text(SizeClasses(users).to_text()).users == users


@pytest.mark.parametrize("text", ["no", "[1]", '{"a": 0}', '{"a": true}', '{"a": "5"}'])
def test_refuses_a_text_that_is_none(text) -> None:
    with pytest.raises(ConfigError, match="classes must be a JSON object of platforms and users"):
        SizeClasses.from_text(text)
