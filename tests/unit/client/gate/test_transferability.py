from dataclasses import replace

import numpy as np
import pytest

from client.data.platform import recent_examples
from client.data.sequences import Sequences
from client.gate.transferability import DEFAULT, TransferabilitySettings, transferability_score
from client.training.moments import platform_moments
from client.transfer.release import released_calibration
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve
from shared.feature_space import FeatureSpace
from tests.unit.client.recommender.world import LENGTH, N_ITEMS, prepared, small_platform

HALF = np.arange(60)
OTHERS = np.arange(60, 120)


def half_a_platform():
    platform = small_platform()
    return prepared(replace(platform, training_users=HALF, calibration_users=HALF[::5]))


def encoder_of(walks, features):
    """An encoder whose linear part knows these walks; its sequence part knows nothing."""
    items = np.concatenate(walks).astype(np.int32)
    sequences = Sequences(offsets=np.arange(len(walks) + 1) * LENGTH, items=items)
    space = FeatureSpace(name="test", parameters=(), dim=features.shape[1], fingerprint="test")
    spec = EncoderSpec(preset="tiny", input_dim=features.shape[1], feature_space=space)
    return Encoder.initial(spec, 0).with_linear(solve(platform_moments(features, sequences)))


def found_for(step, settings=DEFAULT):
    """What an encoder is worth to the small platform that was made from walks by ``step`` items at a time."""
    half = half_a_platform()
    walks = [(start + step * np.arange(LENGTH)) % N_ITEMS for start in range(N_ITEMS)]
    encoder = encoder_of(walks, half.features)
    released = released_calibration(half, encoder)
    return transferability_score(half, encoder, released, OTHERS, np.random.default_rng(0), settings)


def test_finds_an_encoder_related_that_knows_how_users_walk():
    found = found_for(step=1)
    assert found.lift > found.bound > 0


def test_finds_an_encoder_unrelated_that_learned_other_walks():
    found = found_for(step=17)
    assert found.bound < 0


def test_takes_every_recent_training_event_of_every_user():
    found = found_for(step=1)
    assert found.users == len(OTHERS)
    assert found.events == len(OTHERS) * (LENGTH - 3)


def test_takes_no_more_events_than_the_limit():
    assert found_for(step=1, settings=TransferabilitySettings(most_events=50)).events == 50


def test_tells_nothing_where_nobody_has_a_past():
    half = half_a_platform()
    encoder = encoder_of([np.arange(LENGTH)], half.features)
    released = released_calibration(half, encoder)
    assert transferability_score(half, encoder, released, OTHERS[:0], np.random.default_rng(0)) is None


@pytest.mark.parametrize("user", [0, 7])
def test_shows_as_history_only_what_came_before(user):
    platform = small_platform()
    events = platform.sequences.items[user * LENGTH : (user + 1) * LENGTH]
    recent = recent_examples(platform, np.array([user]), 3)
    assert recent.targets.tolist() == [events[4], events[3], events[2]]
    assert recent.histories.items.tolist() == [*events[:4], *events[:3], *events[:2]]
