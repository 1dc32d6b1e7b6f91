"""How much of each vector enters a sum: what bad vectors get, and that honest ones stay whole."""

import numpy as np
import pytest

from server.aggregation.inner_products import InnerProducts
from server.aggregation.robust_sum import CROSS_MOMENTS, NOTHING, RULES, UPDATES, Shares, agreement, multi_krum
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig

SIZE, ELSEWHERE = 400, 8


def drawn(seed: int) -> np.ndarray:
    """Numbers, and zeros in the places of strangers."""
    return np.append(np.random.default_rng(seed).normal(size=SIZE), np.zeros(ELSEWHERE))


COMMON = drawn(0)
HONEST = {f"p{place}": COMMON + drawn(place + 1) for place in range(6)}


def shares(vectors, rule=agreement, judged=UPDATES, **weights) -> Shares:
    products = InnerProducts.between(vectors, lambda one, other: float(vectors[one] @ vectors[other]))
    return rule(products, {name: weights.get(name, 1.0) for name in vectors}, judged)


def strangers(count: int) -> dict[str, np.ndarray]:
    """Vectors that have exactly nothing in common."""
    return {f"s{place}": 20 * np.eye(SIZE + ELSEWHERE)[SIZE + place] for place in range(count)}


@pytest.mark.parametrize("rule", ["agreement", "multi-krum"])
def test_names_and_leaves_out_who_pulls_against_the_others(rule) -> None:
    found = shares({**HONEST, "bad": -10 * COMMON, "worse": -COMMON}, RULES[rule])
    assert {name for name, share in found.of.items() if share == 0} == {"bad", "worse"} == set(found.reasons)


def test_takes_honest_vectors_whole_and_names_nobody() -> None:
    assert shares(HONEST) == Shares(of=dict.fromkeys(HONEST, 1.0))


def test_cuts_who_is_long_to_twice_the_median_of_the_others() -> None:
    found = shares({**HONEST, "long": 100 * HONEST["p0"]})
    usual = np.median([np.linalg.norm(one) for one in HONEST.values()])
    assert found.of["long"] * 100 * np.linalg.norm(HONEST["p0"]) == pytest.approx(2 * usual)
    assert set(found.reasons) == {"long"}
    assert "which is twice the median of the others'" in found.reasons["long"]


@pytest.mark.parametrize("size", [0.0, 0.01])
def test_leaves_out_who_sends_next_to_nothing(size) -> None:
    found = shares({**HONEST, "idle": size * COMMON})
    assert (found.of["idle"], found.reasons) == (0.0, {"idle": NOTHING})


def test_keeps_platforms_that_have_nothing_in_common() -> None:
    assert set(shares(strangers(4)).of.values()) == {1.0}
    assert set(shares({**HONEST, **strangers(2)}).of.values()) == {1.0}


def test_an_update_that_pulls_a_little_against_a_trade_counts_whole() -> None:
    beside = {**HONEST, "beside": strangers(1)["s0"] - 0.05 * COMMON}
    assert shares(beside, judged=UPDATES) == Shares(of=dict.fromkeys(beside, 1.0))


def test_a_cross_moment_that_has_nothing_in_common_with_a_trade_counts_a_fifth() -> None:
    found = shares({**HONEST, **strangers(2)}, judged=CROSS_MOMENTS)
    assert found.of == {**dict.fromkeys(HONEST, 1.0), "s0": 0.2, "s1": 0.2}
    assert "next to nothing in common" in found.reasons["s0"]
    assert set(shares(strangers(5), judged=CROSS_MOMENTS).of.values()) == {1.0}


def test_a_cross_moment_that_pulls_against_the_others_is_left_out_where_they_agree_a_little() -> None:
    apart = strangers(4)
    common = sum(apart.values())
    little = {name: one + 0.02 * common for name, one in apart.items()}
    against = {**little, "bad": -common}
    assert shares(against, judged=CROSS_MOMENTS).of["bad"] == 0.0
    assert set(shares(against, judged=UPDATES).of.values()) == {1.0}


def test_keeps_platforms_of_several_trades_though_each_pulls_its_own_way() -> None:
    """As updates do once an encoder has moved towards all of them."""
    apart = strangers(4)
    pulled = {name: one - 1.5 * np.mean(list(apart.values()), axis=0) for name, one in apart.items()}
    assert pulled["s0"] @ (pulled["s1"] + pulled["s2"] + pulled["s3"]) < 0
    assert set(shares(pulled).of.values()) == {1.0}


def test_leaves_out_less_than_half_of_the_weight() -> None:
    torn = {"a": COMMON, "b": COMMON, "c": -COMMON, "d": -COMMON}
    assert set(shares(torn).of.values()) == {1.0}
    heavy = shares({**HONEST, "bad": -COMMON}, bad=7.0)
    assert heavy.of["bad"] == 1.0
    assert shares({**HONEST, "bad": -COMMON}, bad=2.0).of["bad"] == 0.0


def test_many_names_of_small_classes_are_left_out_as_one_of_their_weight_is() -> None:
    sybils = {f"sybil-{place}": -COMMON - 0.1 * drawn(50 + place) for place in range(9)}
    found = shares({**HONEST, **sybils}, **dict.fromkeys(sybils, 0.2))
    assert {name for name, share in found.of.items() if share == 0} == set(sybils)
    assert {name for name, share in shares({**HONEST, **sybils}).of.items() if share == 0} != set(sybils)


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("count", [0, 1, 2])
def test_takes_one_or_two_as_they_are(count, rule) -> None:
    few = dict(list({"a": COMMON, "b": -100 * COMMON}.items())[:count])
    assert shares(few, RULES[rule]) == Shares(of=dict.fromkeys(few, 1.0))


def test_takes_vectors_that_are_all_empty_as_they_are() -> None:
    assert set(shares(dict.fromkeys("abc", np.zeros(4))).of.values()) == {1.0}


def test_trusts_all_where_it_is_asked_to() -> None:
    assert set(shares({**HONEST, "bad": -1000 * COMMON}, RULES["none"]).of.values()) == {1.0}


def test_krum_leaves_nobody_out_of_four_and_is_refused_for_so_few() -> None:
    assert set(shares(dict(list(HONEST.items())[:4]), multi_krum).of.values()) == {1.0}
    with pytest.raises(ConfigError, match="min-platforms must be at least 5 where robust is multi-krum; got 1"):
        RoundsConfig(robust="multi-krum")
    assert RoundsConfig(robust="multi-krum", min_platforms=5).robust == "multi-krum"
