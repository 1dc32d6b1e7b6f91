"""A simulated federation weighs platforms as an operator would have registered them."""

import numpy as np

from server.aggregation.size_classes import SizeClasses
from shared.encoder.linear import solve_all
from simulations.federation.held_federation import run_held_federation, size_classes
from tests.attacks.poison import flipped, of_moments
from tests.federation_world import START, config, federate, opened


def test_moments_count_by_training_users_rounded_to_a_power_of_two(tmp_path) -> None:
    platforms = {"small": opened("small", users=120), "large": opened("large", users=500, seed=1)}
    found = run_held_federation(platforms, START, config(rounds=0, evaluate_every=0), folder=tmp_path)
    expected = SizeClasses({"small": 128, "large": 512})
    assert size_classes(platforms) == expected
    linear = solve_all(expected.counted(found.moments), ridge=0.0)
    assert found.encoder.linear().W.tobytes() == linear.W.tobytes()
    alike = solve_all(SizeClasses().counted(found.moments), ridge=0.0)
    assert not np.allclose(alike.W, linear.W, atol=1e-3)


def test_what_the_starting_encoders_evaluation_took_is_in_the_first_round(tmp_path) -> None:
    platforms = {name: opened(name, seed=seed) for seed, name in enumerate("ab")}
    found = run_held_federation(platforms, START, config(rounds=0), folder=tmp_path)
    (moments,) = found.rounds()
    assert moments["bytes_down"] == sum(entry["bytes_down"] for entry in found.history)
    assert [entry["kind"] for entry in found.history] == ["evaluate", "moments", "evaluate"]


def test_a_round_names_who_was_left_out(tmp_path) -> None:
    platforms = {name: opened(name, seed=seed) for seed, name in enumerate("abcd")}
    found = federate(tmp_path, platforms, config(rounds=0, evaluate_every=0), apps={"d": of_moments(flipped)})
    assert list(found.rounds()[0]["dropped"]) == ["d"]
