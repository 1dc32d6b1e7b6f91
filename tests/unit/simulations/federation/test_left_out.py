"""Encoders without one platform, from the rounds of all, beside real rounds without it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.aggregation.server_optimiser import ServerOptimiser
from shared.encoder.encoder import Encoder
from shared.federation.config import RoundsConfig
from simulations.federation.held_federation import FederationResult, run_held_federation, size_classes
from simulations.federation.left_out import LeftOutRounds
from tests.federation_world import START, config, opened

SHOPS = {name: opened(name, seed=seed) for seed, name in enumerate("abc")}


def rounds(count: int, **changes) -> RoundsConfig:
    """Nothing is cut, so that whoever stays away changes nothing for the others."""
    return config(rounds=count, robust="none", **changes)


def of_all(folder: Path, rounds_config: RoundsConfig) -> tuple[LeftOutRounds, FederationResult]:
    steps = LeftOutRounds(ServerOptimiser, SHOPS, folder / "left-out")
    return steps, run_held_federation(SHOPS, START, rounds_config, folder=folder, aggregation=steps)


def left_out(folder: Path, rounds_config: RoundsConfig) -> dict[str, Encoder]:
    steps, result = of_all(folder, rounds_config)
    return steps.encoders(START, result, rounds_config, size_classes(SHOPS))


def truly_without(name: str, folder: Path, rounds_config: RoundsConfig) -> Encoder:
    others = {other: shop for other, shop in SHOPS.items() if other != name}
    return run_held_federation(others, START, rounds_config, folder=folder).encoder


@pytest.mark.parametrize("count", [0, 1])
def test_is_exact_for_moments_and_one_training_round(tmp_path: Path, count: int) -> None:
    expected = truly_without("a", tmp_path / "without", rounds(count))
    np.testing.assert_array_equal(left_out(tmp_path / "all", rounds(count))["a"].flat, expected.flat)


def test_is_near_after_more_rounds_and_never_the_encoder_of_all(tmp_path: Path) -> None:
    steps, result = of_all(tmp_path / "all", rounds(3))
    without = steps.encoders(START, result, rounds(3), size_classes(SHOPS))
    expected = truly_without("a", tmp_path / "without", rounds(3)).flat
    moved = np.linalg.norm(result.encoder.flat - expected)
    assert 0 < np.linalg.norm(without["a"].flat - expected) < 0.5 * moved
    assert set(without) == set(SHOPS)


def test_leaves_the_encoder_of_all_as_it_is_without_it(tmp_path: Path) -> None:
    _steps, result = of_all(tmp_path / "beside", rounds(2))
    plain = run_held_federation(SHOPS, START, rounds(2), folder=tmp_path / "plain")
    np.testing.assert_array_equal(result.encoder.flat, plain.encoder.flat)


def test_is_of_the_round_that_the_run_left_and_leaves_no_files(tmp_path: Path) -> None:
    steps, result = of_all(tmp_path / "all", rounds(2))
    history = tuple({**entry, "kept": entry["kept"] and entry["round"] < 2} for entry in result.history)
    earlier = steps.encoders(START, replace(result, history=history), rounds(2), size_classes(SHOPS))
    expected = left_out(tmp_path / "one", rounds(1))
    np.testing.assert_array_equal(earlier["b"].flat, expected["b"].flat)
    assert not (tmp_path / "all" / "left-out").exists()


def test_keeps_the_linear_part_of_the_start_where_nobody_gave_another(tmp_path: Path) -> None:
    start = START.linear()
    without = left_out(tmp_path, rounds(1, moments=False))
    np.testing.assert_array_equal(without["c"].linear().W, start.W)


def test_knows_nobody_where_one_platform_alone_took_part(tmp_path: Path) -> None:
    steps, result = of_all(tmp_path, rounds(1))
    alone = tuple({**entry, "platforms": ["a"]} for entry in result.history)
    assert steps.encoders(START, replace(result, history=alone), rounds(1), size_classes(SHOPS)) == {}
