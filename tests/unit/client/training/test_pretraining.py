import dataclasses

import numpy as np
import pytest

from client.data.platform import MIN_TO_CONTRIBUTE, Platform, training_sequences
from client.training.loop import TrainingSettings
from client.training.moments import platform_moments
from client.training.pretraining import pretrain
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve
from shared.errors import DataError
from shared.federation.messages import power_of_two
from tests.unit.client.training.world import N_ITEMS, SPACE, features, walks

SETTINGS = TrainingSettings(epochs=3, tokens=64, warm_up=5)


def platform(sequences=None, calibration=range(10)):
    sequences = sequences or walks(users=50)
    users = len(sequences)
    return Platform(
        name="shop",
        item_ids=tuple(map(str, range(N_ITEMS))),
        texts=("",) * N_ITEMS,
        categories=None,
        vectors=None,
        user_ids=tuple(map(str, range(users))),
        user_numbers=np.arange(users),
        sequences=sequences,
        training_users=np.arange(users),
        calibration_users=np.array(calibration),
        ordered=True,
        repeats=False,
    )


def run(one):
    return pretrain(one, features(), SPACE, "tiny", SETTINGS, 0)


def test_solves_the_linear_part_from_encoder_users_training_events():
    one = platform()
    expected = solve(platform_moments(features(), training_sequences(one, np.arange(10, 50))))
    assert np.array_equal(run(one).encoder.linear().W, expected.W)


def test_trains_the_sequence_part_and_keeps_the_best_epoch():
    result = run(platform(walks(users=MIN_TO_CONTRIBUTE)))
    assert len(result.log.validation) == len(result.log.losses) + 1
    assert max(result.log.validation) > 0
    assert result.log.best_epoch == int(np.argmax(result.log.validation))
    assert result.log.losses[-1] < result.log.losses[0]


def test_keeps_the_last_epoch_where_too_few_users_can_say_when_to_stop():
    one = platform(walks(users=MIN_TO_CONTRIBUTE - 1))
    result, untrained = run(one), Encoder.initial(EncoderSpec(preset="tiny", input_dim=8, feature_space=SPACE), 0)
    assert result.log.validation == []
    assert result.log.best_epoch == len(result.log.losses) == SETTINGS.epochs
    assert result.log.losses[-1] < result.log.losses[0]
    trained = result.encoder.with_linear(untrained.linear())
    assert not np.array_equal(trained.flat, untrained.flat)


def test_ignores_calibration_users_and_test_events():
    one = platform()
    changed = one.sequences.items.copy()
    last = one.sequences.offsets[1:] - 1
    changed[last] = (changed[last] + 5) % N_ITEMS
    changed[: one.sequences.offsets[10]] = 3
    other = platform(dataclasses.replace(one.sequences, items=changed))
    assert np.array_equal(run(one).encoder.flat, run(other).encoder.flat)


def test_refuses_a_platform_where_nobody_contributes():
    with pytest.raises(DataError, match="shop: no encoder-training user"):
        run(platform(calibration=range(50)))


@pytest.mark.parametrize(("count", "rounded"), [(0, 0), (1, 1), (5, 4), (6, 8), (1000, 1024)])
def test_rounds_counts_to_a_power_of_two(count, rounded):
    assert power_of_two(count) == rounded


def test_says_of_its_size_only_powers_of_two():
    counts = run(platform()).counts
    assert set(counts) == {"users", "items", "events"}
    assert all(np.log2(count) % 1 == 0 for count in counts.values())
