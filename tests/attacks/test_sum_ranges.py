"""Secure sums: contributions out of range never leave, and honest ones never wrap around."""

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import ConfigError, SumFailed, SumRefused
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.ring import Ring
from shared.secure_sum.sum_messages import MaskRequest
from shared.secure_sum.terms import Noise
from tests.secure_sum_world import TERMS, sum_world

EDGE = replace(TERMS, most=(2**15 - 1) // 4)
"""terms whose sums of four fill 16 bits"""


@pytest.mark.parametrize("value", [1.001, -1.001, np.nan, np.inf, 1e300])
def test_a_contribution_out_of_range_never_leaves_its_party(value: float) -> None:
    world = sum_world(4)
    world.until({"ready"})
    world.coordinator.begin(TERMS)
    world.values["shop001"][3] = value
    state = world.parties["shop001"].to_bytes()
    with pytest.raises(SumRefused, match=r"expected numbers of at most 1 in size|expected finite numbers"):
        world.answer("shop001", world.coordinator.outgoing()["shop001"])
    assert world.parties["shop001"].to_bytes() == state


def test_the_others_sum_goes_on_without_it() -> None:
    world = sum_world(7)
    world.values["shop001"][3] = 2.0
    result = world.sum()
    assert "shop001" not in result.survivors
    assert result.cells.tolist() == world.plain(result).tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_contributions_of_all_do_not_wrap_around(sign: int) -> None:
    world = sum_world(4)
    for name in world.values:
        world.values[name] = np.full(EDGE.length, sign * EDGE.most * 2.0**EDGE.exponent)
    result = world.sum(EDGE)
    assert world.coordinator.sums_left == 0
    assert result.cells.tolist() == [sign * 4 * EDGE.most] * EDGE.length


def test_in_a_narrower_ring_they_would(monkeypatch) -> None:
    """The test above can fail: one cell more needs 24 bits."""
    wide = replace(EDGE, most=EDGE.most + 1)
    assert FixedPoint.of(wide, 4).ring.bits == 24
    monkeypatch.setattr(Ring, "holding", lambda _: Ring(16))
    world = sum_world(4)
    for name in world.values:
        world.values[name] = np.full(wide.length, wide.most * 2.0**wide.exponent)
    result = world.sum(wide)
    assert result.cells.tolist() != world.plain(result).tolist()


def test_a_party_masks_nothing_under_terms_that_no_ring_holds() -> None:
    world = sum_world(4)
    world.until({"ready"})
    with pytest.raises(ConfigError, match="expected sums of at most"):
        world.coordinator.begin(replace(TERMS, most=2**46))
    world.coordinator.begin(TERMS)
    plan = world.coordinator._state.plan
    assert plan is not None
    asked = MaskRequest.from_bytes(world.coordinator.outgoing()["shop000"])
    for terms in (replace(TERMS, most=2**46), replace(TERMS, noise=Noise(spread=0.5))):
        with pytest.raises(SumRefused, match="expected"):
            world.answer("shop000", replace(asked, plan=replace(plan, terms=terms)).to_bytes())


def test_a_vector_of_another_length_never_leaves() -> None:
    world = sum_world(3)
    world.values = {name: values[:-1] for name, values in world.values.items()}
    with pytest.raises(SumFailed):
        world.sum()
    assert all("expected a vector of 9 numbers" in one for one in world.refused)
