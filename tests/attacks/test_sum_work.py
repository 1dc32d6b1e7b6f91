"""A coordinator that wants one platform's vector out of a sum, and platforms that send what no guard lets through."""

from dataclasses import replace

import numpy as np
import pytest

from client.rounds import sum_vectors
from shared.federation.messages import Failed, FailureCode
from shared.federation.sum_messages import SumReply, SumWork
from shared.federation.sum_vector import VectorForm
from tests.sum_shops import SumShops, sum_shops
from tests.unit.client.rounds.test_sum_step import WORK, exchange, until

REFUSED = Failed(round=1, code=FailureCode.SUM_REFUSED)
NEAR_NOTHING = {"shop0": 1.0, "shop1": 1e-6, "shop2": 1e-6}


def answers(shops: SumShops, work: SumWork) -> dict[str, object]:
    """What platforms give where a vector of this work is asked for."""
    return exchange(shops, until("mask", shops, shops.coordinator(), work), work)


def test_a_platform_gives_no_vector_where_the_others_weigh_next_to_nothing(tmp_path) -> None:
    found = answers(sum_shops(tmp_path), replace(WORK, weights=NEAR_NOTHING))
    assert found["shop0"] == REFUSED
    assert isinstance(found["shop1"], SumReply)


def test_nor_where_those_that_weigh_something_may_be_said_to_have_dropped_out(tmp_path) -> None:
    shops = sum_shops(tmp_path, count=4)
    weights = {"shop0": 1.0, "shop1": 1.0, "shop2": 1e-6, "shop3": 1e-6}
    found = answers(shops, replace(WORK, weights=weights))
    assert (found["shop0"], found["shop1"]) == (REFUSED, REFUSED)


@pytest.mark.parametrize(
    "weights",
    [
        {**dict.fromkeys(("shop0", "shop1", "shop2"), 1.0), "shop9": 1.0},
        {"shop0": 1.0, "shop1": 1.0},
        {"shop0": 1.0, "shop1": 1.0, "shop9": 1.0},
    ],
    ids=["one who is not there", "one who is not named", "another one"],
)
def test_weights_are_those_of_the_set_ups_platforms(tmp_path, weights) -> None:
    assert set(answers(sum_shops(tmp_path), replace(WORK, weights=weights)).values()) == {REFUSED}


def test_a_platform_asks_for_more_beside_it_where_its_policy_names_more_parties(tmp_path) -> None:
    weights = {"shop0": 1.0, "shop1": 0.5, "shop2": 0.5, "shop3": 0.5}
    work = replace(WORK, weights=weights)
    assert isinstance(answers(sum_shops(tmp_path / "three", count=4), work)["shop0"], SumReply)
    strict = sum_shops(tmp_path / "four", count=4, policy="least-parties = 4")
    assert answers(strict, work)["shop0"] == REFUSED


@pytest.mark.parametrize("part", ["moments", "train", "evaluate"])
def test_no_number_leaves_beyond_the_bound_of_its_part_whatever_was_counted_or_trained(
    tmp_path, monkeypatch, part
) -> None:
    work = replace(WORK, parts=(part,), settings=WORK.settings if part == "train" else None)
    shops, form = sum_shops(tmp_path), VectorForm.of(work)
    length = form.parts[part].length
    monkeypatch.setitem(sum_vectors.PARTS, part, lambda _work, _workspace: np.full(length, 1e9))
    coordinator = until("open", shops, shops.coordinator(), work)
    exchange(shops, coordinator, work)
    coordinator.close()
    assert coordinator.result.values.max() == pytest.approx(3 * form.bound, rel=1e-4)


def test_a_heavy_platform_counts_as_much_as_its_weight_says(tmp_path) -> None:
    weights = {"shop0": 1.0, "shop1": 0.5, "shop2": 0.5}
    shops, work = sum_shops(tmp_path), replace(WORK, weights=weights)
    coordinator = until("open", shops, shops.coordinator(), work)
    exchange(shops, coordinator, work)
    coordinator.close()
    alike = sum_shops(tmp_path / "alike")
    even = until("open", alike, alike.coordinator(), WORK)
    exchange(alike, even, WORK)
    even.close()
    assert not np.allclose(coordinator.result.values, even.result.values, atol=1e-4)
    assert np.linalg.norm(coordinator.result.values) <= 2 * WORK.settings.clip_norm * (1 + 1e-6)
