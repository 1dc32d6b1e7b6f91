import numpy as np
import pytest

from client.data.sequences import Sequences, take
from client.device.device_head import DeviceHead
from client.device.head_training import HeadSettings
from client.scorers.scorer import HistoryBatch
from client.training.moments import DECAY, platform_moments
from shared.encoder.linear import solve
from simulations.devices.device_heads import DeviceHeads, EncodedCatalogue
from simulations.devices.device_stack import COLUMNS, CONTENT_DECAYS, DeviceStack
from tests.federation_world import START
from tests.unit.client.training.world import N_ITEMS, features, walks

HISTORIES = walks(80)
LINEAR = solve(platform_moments(features(), HISTORIES))


def heads(encoder=START):
    prior = np.log1p(np.bincount(HISTORIES.items, minlength=N_ITEMS)).astype(np.float32)
    catalogue = EncodedCatalogue(encoder=encoder, features=features(), prior=prior)
    return DeviceHeads(catalogue=catalogue, settings=HeadSettings(negatives=16, steps=3), seed=0)


def ranks(scores, items):
    own = np.take_along_axis(scores, items[:, None], 1)
    return (scores > own).sum(1)


def before_and_last(histories):
    counts = histories.lengths() - 1
    return take(histories, np.arange(len(histories)), counts), histories.items[histories.offsets[:-1] + counts]


def test_weights_find_the_column_that_says_what_comes_next():
    """The ring's next item follows from the moments; the untrained head says nothing."""
    learned = heads(START.with_linear(LINEAR))
    start = DeviceHead.initial(learned.catalogue.vectors.shape[1], 1)
    stack = DeviceStack.fitted(learned, start, HISTORIES)
    before, items = before_and_last(walks(80, seed=1))
    own, _ = learned.learned(start, before)
    states = learned.catalogue.last_states(before)
    listed = ranks(stack.scores(own, states, before), items)
    alone = ranks(own.scale[:, None] * (own.moved(states[:, None])[:, 0] @ learned.catalogue.vectors.numpy().T), items)
    assert stack.weights[COLUMNS.index("linear")] > 0
    assert listed.mean() < 0.7 * alone.mean()


def test_scores_are_the_columns_by_their_weights():
    learned = heads(START.with_linear(LINEAR))
    start = DeviceHead.initial(learned.catalogue.vectors.shape[1], 1)
    weights = np.arange(1, len(COLUMNS) + 1, dtype=np.float32)
    stack = DeviceStack(heads=learned, start=start, weights=weights)
    before, _ = before_and_last(HISTORIES)
    own, _ = learned.learned(start, before)
    states, catalogue = learned.catalogue.last_states(before), learned.catalogue
    batch = HistoryBatch(before, N_ITEMS)
    moved = own.moved(states[:, None])[:, 0]
    columns = [own.scale[:, None] * (moved @ catalogue.vectors.numpy().T) + own.bias[:, None] * catalogue.prior]
    columns.append(np.broadcast_to(catalogue.prior, columns[0].shape))
    columns.append(LINEAR.scores(batch.mean(DECAY, features()), features()))
    columns += [batch.mean(decay, features()) @ features().T for decay in CONTENT_DECAYS]
    expected = sum(weight * column for weight, column in zip(weights, columns, strict=True))
    found = stack.scores(own, states, before)
    difference = found - expected  # the linear part's constant of a history
    assert difference - difference[:, :1] == pytest.approx(np.zeros_like(difference), abs=1e-3)


def test_devices_of_two_events_leave_the_head_alone():
    learned = heads()
    start = DeviceHead.initial(learned.catalogue.vectors.shape[1], 1)
    short = Sequences(offsets=np.array([0, 2, 3]), items=np.array([1, 2, 3], np.int32))
    assert DeviceStack.fitted(learned, start, short).weights.tolist() == [1, *[0] * (len(COLUMNS) - 1)]
