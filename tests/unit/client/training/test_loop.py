import dataclasses

import numpy as np
import pytest
import torch

from client.training.loop import TrainingSettings, train_sequence
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.encoder import Encoder
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError
from tests.unit.client.training.world import N_ITEMS, SPEC, features, ragged, walks

SETTINGS = TrainingSettings(epochs=6, tokens=64, warm_up=5, encoder_rate=1e-2, head_rate=1e-2)
SAMPLED = dataclasses.replace(SETTINGS, full_softmax_items=4, negatives=8)


def model():
    head = SequenceHead.initial(N_ITEMS, 16)
    return SequenceModel.over(Encoder.initial(SPEC, 0).sequence_module(), head, features())


def trained(settings, validation=None):
    one = model()
    log = train_sequence(one, walks(), settings, np.random.default_rng(0), validation)
    return one, log


def next_items():
    """Held-out walks, whose next item can be known from the last one."""
    histories = ragged([[k, (k + 1) % N_ITEMS] for k in range(N_ITEMS)])
    targets = torch.from_numpy((np.arange(N_ITEMS) + 2) % N_ITEMS)
    return ValidationSet(histories=histories, targets=targets, hide_seen=True)


@pytest.mark.parametrize("settings", [SETTINGS, SAMPLED])
def test_learns_the_next_item(settings):
    one, log = trained(dataclasses.replace(settings, epochs=15))
    assert log.losses[-1] < log.losses[0] / 2
    assert next_items().ndcg(one) > 0.8 > next_items().ndcg(model())


def test_learns_the_next_item_from_ids_alone():
    one = SequenceModel.ids_only(PRESETS["tiny"], N_ITEMS, 0)
    settings = dataclasses.replace(SETTINGS, epochs=15)
    train_sequence(one, walks(), settings, np.random.default_rng(0))
    assert next_items().ndcg(one) > 0.8


@pytest.mark.parametrize("settings", [SETTINGS, SAMPLED])
def test_gives_the_same_numbers_again(settings):
    one, two = trained(settings)[0].state_dict(), trained(settings)[0].state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_leaves_a_frozen_encoder_alone():
    one, _ = trained(dataclasses.replace(SETTINGS, encoder_rate=0.0))
    encoder = Encoder.initial(SPEC, 0)
    assert np.array_equal(encoder.with_sequence(one.towers()).flat, encoder.flat)
    assert one.head().v.any()


def test_leaves_a_frozen_head_alone():
    one, _ = trained(dataclasses.replace(SETTINGS, head_rate=0.0))
    assert not one.head().v.any()
    assert not one.head().b.any()
    assert not np.array_equal(Encoder.initial(SPEC, 0).with_sequence(one.towers()).flat, Encoder.initial(SPEC, 0).flat)


def test_stays_near_the_start_under_a_strong_pull():
    def moved(settings):
        start = Encoder.initial(SPEC, 0)
        return np.linalg.norm(start.with_sequence(trained(settings)[0].towers()).flat - start.flat)

    assert moved(dataclasses.replace(SETTINGS, proximal=10.0)) < moved(SETTINGS) / 2


def test_keeps_the_best_epoch_and_stops():
    def measured(settings):
        one, log = trained(settings, next_items())
        return one, log

    wild = dataclasses.replace(SETTINGS, epochs=30, patience=2, encoder_rate=0.5, head_rate=0.5)
    one, log = measured(wild)
    assert log.best_epoch == int(np.argmax(log.validation))
    assert len(log.losses) == log.best_epoch + 2
    assert next_items().ndcg(one) == pytest.approx(max(log.validation))


def test_does_not_stop_because_the_start_was_better():
    class BetterBefore:
        scores = iter([0.9, 0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.5])

        def ndcg(self, _model):
            return next(self.scores)

    one, log = trained(dataclasses.replace(SETTINGS, epochs=7, patience=2), BetterBefore())
    assert len(log.losses) == 6
    assert log.best_epoch == 0
    assert np.array_equal(Encoder.initial(SPEC, 0).with_sequence(one.towers()).flat, Encoder.initial(SPEC, 0).flat)


def test_ends_an_epoch_after_so_many_steps():
    once = dataclasses.replace(SETTINGS, epochs=1, warm_up=0, weight_decay=0.0)
    first_step_of_adam = SETTINGS.head_rate * 1.001
    assert trained(dataclasses.replace(once, steps=1))[0].v.abs().max() <= first_step_of_adam
    assert trained(once)[0].v.abs().max() > first_step_of_adam


def test_does_nothing_without_a_pair():
    one = model()
    log = train_sequence(one, ragged([[1], []]), SETTINGS, np.random.default_rng(0))
    assert log.losses == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": -1},
        {"tokens": 0},
        {"encoder_rate": -1.0},
        {"dropout": 1.0},
        {"clip_norm": 0.0},
        {"learning_rate_decay": 2.0},
    ],
)
def test_refuses_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError):
        TrainingSettings(**wrong)


def test_refuses_to_train_nothing():
    with pytest.raises(ConfigError, match="learning rate"):
        trained(dataclasses.replace(SETTINGS, encoder_rate=0.0, head_rate=0.0))
