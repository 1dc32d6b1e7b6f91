"""Masked runs over platforms whose site policy asks for more of them in a sum than a run does."""

import pytest

from shared.errors import ConfigError
from tests.federation_world import federate, opened
from tests.masked_world import rounds

FIVE = {f"shop{seed}": opened(f"shop{seed}", users=100 + seed, seed=seed) for seed in range(5)}
ASKS_FOR_SIX, ASKS_FOR_FIVE = "least-parties = 6\n", "least-parties = 5\n"


def run(folder, policy: str, **changes):
    (folder / "own.toml").write_text(f'privacy = "masked"\n{policy}')
    policies = {"shop1": str(folder / "own.toml")}
    return federate(folder, FIVE, rounds("masked", rounds=1, **changes), policies=policies)


def test_the_coordinator_learns_how_many_a_platform_asks_for(tmp_path) -> None:
    assert run(tmp_path, ASKS_FOR_SIX).history[0]["failed"]["shop1"] == "too-few-parties:6"


def test_a_run_that_asks_for_as_many_takes_all(tmp_path) -> None:
    asked = run(tmp_path, ASKS_FOR_FIVE, least_parties=5, min_platforms=5)
    assert asked.history[0]["platforms"] == sorted(FIVE)


def test_a_run_takes_no_smaller_groups_and_no_fewer_platforms_than_it_asks_for() -> None:
    with pytest.raises(ConfigError, match="groups-of must be 0, or at least 5; got 4"):
        rounds("masked", groups_of=4, least_parties=5, min_platforms=5)
    with pytest.raises(ConfigError, match="min-platforms must be at least 5; got 4"):
        rounds("masked", least_parties=5, min_platforms=4)
