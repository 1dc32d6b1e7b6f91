"""A round that makes the encoder clearly worse is passed over, moments too; one platform's answers decide nothing."""

import logging

import numpy as np
import pytest
from flwr.app import MetricRecord

from shared.federation.wire_records import METRICS
from tests.attacks.poison import PLATFORMS, flipped, lift, of_moments
from tests.federation_world import QUICK, START, config, federate, tampering

FEW = {name: PLATFORMS[name] for name in "abc"}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """What the platforms start from: an encoder whose linear part is worth something."""
    return federate(tmp_path_factory.mktemp("good"), FEW, config(rounds=0)).encoder


def all_flipped(folder, start, **changes):
    apps = dict.fromkeys(FEW, of_moments(flipped))
    return federate(folder, FEW, config(local=QUICK, **changes), apps=apps, encoder=start)


def test_a_moments_round_that_is_worse_is_passed_over_and_its_members_are_named(good, tmp_path, caplog) -> None:
    with caplog.at_level(logging.WARNING, "graft.server"):
        found = all_flipped(tmp_path, good, rounds=0)
    assert found.encoder.flat.tobytes() == good.flat.tobytes()
    start, moments, judged = found.history
    assert (start["kept"], judged["kept"]) == (True, False)
    assert moments["platforms"] == ["a", "b", "c"]
    assert "own answers; made by a, b, c" in judged["note"]
    assert "the encoder after moments is passed over: more than" in caplog.text
    assert "made by a, b, c" in caplog.text


def test_training_goes_on_from_the_encoder_before_it(good, tmp_path) -> None:
    found = all_flipped(tmp_path / "poisoned", good, rounds=1)
    never = federate(tmp_path / "never", FEW, config(local=QUICK, rounds=1, moments=False), encoder=good)
    assert found.encoder.flat.tobytes() == never.encoder.flat.tobytes()
    assert lift(found.encoder) > 0


def test_without_an_evaluation_it_stays(good, tmp_path) -> None:
    """What shows that the evaluation is the defence."""
    assert lift(all_flipped(tmp_path, good, rounds=0, evaluate_every=0).encoder) < 0


def test_a_round_of_honest_moments_is_kept(good, tmp_path) -> None:
    found = federate(tmp_path, FEW, config(rounds=0))
    assert [entry["kept"] for entry in found.history if entry["kind"] == "evaluate"] == [True, True]
    assert not np.array_equal(found.encoder.flat, START.flat)
    assert found.encoder.flat.tobytes() == good.flat.tobytes()


@pytest.mark.parametrize("first", [0.0, 1.0], ids=["praises what is bad", "runs down what is good"])
def test_one_that_lies_decides_nothing(first, good, tmp_path) -> None:
    """It answers one extreme for the starting encoder and the other for all that come after."""
    told = iter([first, *[1.0 - first] * 9])

    def lie(content):
        content[METRICS] = MetricRecord({"both": next(told)})
        return content

    liar = {"f": tampering(lie, kind="evaluate")}
    honest = federate(tmp_path / "honest", PLATFORMS, config(rounds=1, local=QUICK))
    found = federate(tmp_path / "lied", PLATFORMS, config(rounds=1, local=QUICK), apps=liar)
    kept = [[entry["kept"] for entry in one.history if entry["kind"] == "evaluate"] for one in (found, honest)]
    assert kept[0] == kept[1]
    assert found.encoder.flat.tobytes() == honest.encoder.flat.tobytes()
