"""Well-formed moments that are not those of any honest platform: one of six, and two of six, spoil next to nothing."""

import numpy as np
import pytest

from tests.attacks.poison import (
    PLATFORMS,
    drawn,
    flipped,
    lift,
    lists_with_the_text,
    of_moments,
    promoting,
    torn,
    with_backdoor,
)
from tests.federation_world import config, federate

ONE_ROUND = {"rounds": 0, "evaluate_every": 0}
LEFT_OUT = {
    "flip": of_moments(flipped),
    "flip times 10": of_moments(flipped, 10.0),
    "flip times 1,000": of_moments(flipped, 1000.0),
    "promotion of a text": of_moments(promoting),
    "promotion times 1,000": of_moments(promoting, 1000.0),
}
BOUNDED = {
    "own data times 10": (of_moments(lambda one: one, 10.0), 1.0),
    "own data times 1,000": (of_moments(lambda one: one, 1000.0), 1.0),
    "random in range": (of_moments(drawn), 0.97),
    "random times 10": (of_moments(drawn, 10.0), 0.97),
    "random times 1,000": (of_moments(drawn, 1000.0), 0.97),
}


def attacked(folder, attack, bad="f", **changes):
    return federate(folder, PLATFORMS, config(**ONE_ROUND, **changes), apps=dict.fromkeys(bad, attack))


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """By bad platforms, the encoder of the others alone."""
    return {
        bad: federate(
            tmp_path_factory.mktemp("without"),
            {n: one for n, one in PLATFORMS.items() if n not in bad},
            config(**ONE_ROUND),
        ).encoder
        for bad in ("f", "ef")
    }


@pytest.mark.parametrize("bad", ["f", "ef"])
@pytest.mark.parametrize("name", list(LEFT_OUT))
def test_leaves_no_trace_and_is_named(name, bad, without, tmp_path) -> None:
    found = attacked(tmp_path, LEFT_OUT[name], bad)
    assert found.encoder.flat.tobytes() == without[bad].flat.tobytes()
    assert set(found.history[0]["held_back"]) == set(bad)
    assert all("left out" in reason for reason in found.history[0]["held_back"].values())


@pytest.mark.parametrize("name", list(BOUNDED))
def test_weighs_no_more_than_its_class(name, without, tmp_path) -> None:
    attack, share = BOUNDED[name]
    assert lift(attacked(tmp_path, attack).encoder) >= share * lift(without["f"]) - 0.01


@pytest.mark.parametrize("name", ["flip", "flip times 10"])
def test_where_all_are_trusted_a_flip_does_harm(name, without, tmp_path) -> None:
    """What shows that the attacks are attacks."""
    found = attacked(tmp_path, LEFT_OUT[name], "ef", robust="none")
    spoilt, honest = found.encoder.linear().W, without["ef"].linear().W
    assert np.vdot(spoilt, honest) < 0.5 * np.vdot(honest, honest)
    assert found.history[0]["held_back"] == {}


def test_a_backdoor_text_stands_in_no_more_lists(without, tmp_path) -> None:
    once, often = (attacked(tmp_path / str(times), of_moments(with_backdoor, times)) for times in (1.0, 1000.0))
    assert lists_with_the_text(often.encoder) == lists_with_the_text(once.encoder)
    assert lists_with_the_text(once.encoder) <= lists_with_the_text(without["f"]) + 0.1
    assert lift(once.encoder) >= 0.97 * lift(without["f"])


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (of_moments(torn), "joint second moment is negative"),
        (of_moments(lambda one: one, 1e9), "must be of 1 to 1e+10 pairs"),
    ],
    ids=["a cross moment of no pairs", "more pairs than a platform can have"],
)
def test_drops_moments_that_no_pairs_have(attack, reason, without, tmp_path) -> None:
    found = attacked(tmp_path, attack)
    assert reason in found.dropped["f"][0]
    assert set(found.dropped) == {"f"}
    assert found.encoder.flat.tobytes() == without["f"].flat.tobytes()


def test_names_nobody_where_all_are_honest(tmp_path) -> None:
    robust = federate(tmp_path / "robust", PLATFORMS, config(**ONE_ROUND))
    trusting = federate(tmp_path / "trusting", PLATFORMS, config(**ONE_ROUND, robust="none"))
    assert robust.history[0]["held_back"] == {}
    assert robust.encoder.flat.tobytes() == trusting.encoder.flat.tobytes()
