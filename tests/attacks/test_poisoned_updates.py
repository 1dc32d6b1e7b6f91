"""Updates that lead the other way, or nowhere: they leave no trace, and their platform is named."""

import numpy as np
import pytest

from tests.attacks.poison import PLATFORMS, of_updates
from tests.federation_world import QUICK, START, config, federate

ROUNDS = {"rounds": 2, "moments": False, "local": QUICK}
ATTACKS = {"flip": -1.0, "flip times 10": -10.0, "flip times 1,000": -1000.0, "a free rider": 0.0}


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """By bad platforms, the run of the others alone."""
    return {
        bad: federate(
            tmp_path_factory.mktemp("without"),
            {n: one for n, one in PLATFORMS.items() if n not in bad},
            config(**ROUNDS),
        )
        for bad in ("f", "ef")
    }


@pytest.mark.parametrize("bad", ["f", "ef"])
@pytest.mark.parametrize("name", list(ATTACKS))
def test_leaves_no_trace_and_is_named(name, bad, without, tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(**ROUNDS), apps=dict.fromkeys(bad, of_updates(ATTACKS[name])))
    assert found.encoder.flat.tobytes() == without[bad].encoder.flat.tobytes()
    trained = [entry for entry in found.history if entry["kind"] == "train"]
    assert [set(entry["held_back"]) for entry in trained] == [set(bad)] * 2
    assert all(entry["weights"][name] == 0 for entry in trained for name in bad)


@pytest.mark.parametrize("times", [10.0, 1e6])
def test_a_long_update_counts_no_more_than_twice_the_usual(times, without, tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(**ROUNDS), apps={"f": of_updates(times)})
    moved, usual = (np.linalg.norm(one.encoder.flat - START.flat) for one in (found, without["f"]))
    assert moved < 2 * usual
    assert all(
        "which is twice the median" in entry["held_back"]["f"] for entry in found.history if entry["kind"] == "train"
    )


def test_where_all_are_trusted_a_flip_does_harm(without, tmp_path) -> None:
    """What shows that the attacks are attacks."""
    trusting = config(**ROUNDS, robust="none")
    found = federate(tmp_path, PLATFORMS, trusting, apps={"f": of_updates(-10.0)})
    honest = without["f"].encoder.flat - START.flat
    assert np.vdot(found.history and found.encoder.flat - START.flat, honest) < 0.5 * np.vdot(honest, honest)
