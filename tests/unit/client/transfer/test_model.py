import dataclasses

import numpy as np
import pytest

from client.training.loop import TrainingSettings
from client.training.moments import platform_moments
from client.transfer.model import tune
from client.transfer.part_settings import TuningSettings
from shared.encoder.encoder import Encoder
from shared.encoder.linear import joined, solve
from shared.errors import ConfigError
from tests.unit.client.training.world import SPEC, features, walks

PHASE = TrainingSettings(epochs=2, tokens=64, warm_up=5)
SETTINGS = TuningSettings(head=dataclasses.replace(PHASE, encoder_rate=0.0), both=PHASE)


def tuned(settings=SETTINGS, encoder=None):
    return tune(
        encoder=encoder or Encoder.initial(SPEC, 0),
        head=None,
        features=features(),
        sequences=walks(),
        validation=None,
        settings=settings,
        seed=0,
    )


def test_moves_the_linear_part_by_own_pairs_that_count_their_weight():
    received = solve(platform_moments(features(), walks(users=100, seed=7)))
    own = platform_moments(features(), walks())
    encoder = Encoder.initial(SPEC, 0).with_linear(received)
    moved = tuned(dataclasses.replace(SETTINGS, moments_weight=0.5), encoder).encoder.linear()
    assert np.array_equal(moved.W, joined(received, own, 0.5).W)
    assert not np.array_equal(moved.W, received.W)
    assert np.array_equal(tuned(encoder=encoder).encoder.linear().W, received.W)


def test_leaves_a_linear_part_alone_that_was_never_solved():
    weighted = dataclasses.replace(SETTINGS, moments_weight=0.5)
    assert not tuned(weighted).encoder.linear().W.any()


def test_trains_the_head_before_the_encoder():
    frozen = dataclasses.replace(SETTINGS, both=dataclasses.replace(PHASE, epochs=0))
    first = tuned(frozen)
    assert np.array_equal(first.encoder.flat, Encoder.initial(SPEC, 0).flat)
    assert first.head.v.any()
    assert tuned().logs["head"] == first.logs["head"]
    assert not np.array_equal(tuned().encoder.flat, first.encoder.flat)


def test_refuses_to_move_the_encoder_in_the_first_phase():
    with pytest.raises(ConfigError, match="frozen"):
        TuningSettings(head=PHASE)


def test_tunes_by_a_low_rank_adapter_and_gives_a_whole_encoder():
    first = tuned(dataclasses.replace(SETTINGS, both=dataclasses.replace(PHASE, epochs=0), rank=2))
    assert np.array_equal(first.encoder.flat, Encoder.initial(SPEC, 0).flat)
    found = tuned(dataclasses.replace(SETTINGS, rank=2))
    change = found.encoder.arrays()["sequence.item.leave.weight"] - first.encoder.arrays()["sequence.item.leave.weight"]
    assert np.linalg.matrix_rank(change, tol=1e-5) == 2
    assert found.logs["both"].losses[-1] < found.logs["both"].losses[0]
    assert not found.encoder.linear().W.any()


def test_refuses_a_rank_below_zero():
    with pytest.raises(ConfigError, match="0 or more; got -1"):
        TuningSettings(rank=-1)


@pytest.mark.parametrize(
    ("weight", "words"), [(-1.0, "0 or more"), (float("nan"), "0 or more"), (float("inf"), "a finite number")]
)
def test_refuses_a_weight_of_own_moments_that_says_nothing(weight, words):
    with pytest.raises(ConfigError, match=f"TuningSettings.moments_weight must be {words}"):
        TuningSettings(moments_weight=weight)
