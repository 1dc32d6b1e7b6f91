"""Draws hang on their numbers alone, are uniform or normal, and are independent of each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.devices.draws import normals, uniforms

DEVICES = np.arange(200_000)
whole = st.integers(-(2**63), 2**63 - 1)


@given(st.integers(0, 2**63 - 1), st.lists(whole, min_size=1, max_size=5), whole)
def test_a_draw_is_the_same_alone_and_among_others(seed: int, devices: list[int], day: int) -> None:
    together = uniforms(seed, "a", np.array(devices), day)
    assert together.tolist() == [float(uniforms(seed, "a", device, day)) for device in devices]
    assert np.all((together > 0) & (together < 1))


def test_a_draw_never_changes() -> None:
    assert uniforms(3, "a", [0, 1], 5).tolist() == [0.32890822757934063, 0.15681357756748443]


@pytest.mark.parametrize(
    "draws",
    [
        uniforms(0, "a", DEVICES),
        uniforms(0, "a", 7, DEVICES),
        uniforms(0, "a", DEVICES, DEVICES),
        uniforms(0, "a", DEVICES * 2**40),
        uniforms(0, "a", -DEVICES, 3),
    ],
)
def test_draws_are_uniform(draws: np.ndarray) -> None:
    counts = np.histogram(draws, 100, (0, 1))[0]
    expected = draws.size / 100
    assert ((counts - expected) ** 2 / expected).sum() < 150  # chi-squared of 99 degrees: 6 of 10,000 lie above


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (uniforms(0, "a", DEVICES), uniforms(1, "a", DEVICES)),
        (uniforms(0, "a", DEVICES), uniforms(0, "b", DEVICES)),
        (uniforms(0, "a", DEVICES), uniforms(0, "a", DEVICES + 1)),
        (uniforms(0, "a", DEVICES, 0), uniforms(0, "a", DEVICES, 1)),
        (uniforms(0, "a", DEVICES, 0), uniforms(0, "a", 0, DEVICES)),
        (uniforms(0, "a", DEVICES), uniforms(0, "a", DEVICES, 0)),
    ],
)
def test_draws_of_other_names_are_independent(left: np.ndarray, right: np.ndarray) -> None:
    pairs = np.histogram2d(left, right, 10, [(0, 1), (0, 1)])[0]
    expected = left.size / 100
    assert ((pairs - expected) ** 2 / expected).sum() < 150


def test_normals_are_normal() -> None:
    draws = normals(0, "a", DEVICES)
    within = [np.mean(np.abs(draws) < deviations) for deviations in (1, 2, 3)]
    assert np.mean(draws) == pytest.approx(0, abs=0.01)
    assert within == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.005)
