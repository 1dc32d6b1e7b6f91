import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from client.data.sequences import Sequences, select
from client.training.cohort_round import CohortRound
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.shared_adapter import SharedAdapterSpec
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.seeding import rng_for
from tests.unit.client.training.world import SPEC

SETTINGS = LocalSettings(steps=5, encoder_rate=0.1, negatives=7, proximal=0.0)
SHARED = dataclasses.replace(SETTINGS, adapters="shared:4")
N_ITEMS, SEED = 40, 3


def features():
    drawn = rng_for(0, "features").standard_normal((N_ITEMS, SPEC.input_dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def histories(lengths=(2, 3, 5, 9, 14, 30, 4, 1, 0, 6)):
    items = rng_for(1, "items").integers(0, N_ITEMS, sum(lengths)).astype(np.int32)
    return Sequences(offsets=np.concatenate([[0], np.cumsum(lengths)]), items=items)


def encoder():
    """Not the initial one: its biases are all 0."""
    start = Encoder.initial(SPEC, 0)
    noise = rng_for(2, "noise").standard_normal(len(start.flat)).astype(np.float32)
    return Encoder(spec=SPEC, flat=start.flat + 0.05 * noise)


def cohort(settings=SETTINGS):
    return CohortRound(encoder=encoder(), features=features(), settings=settings, seed=SEED)


def changes_of(work, sequences):
    """By device [C], what it would add; and its loss."""
    numbers, losses = {}, {}
    for part in work.changes(sequences):
        numbers |= dict(zip(part.rows.tolist(), part.numbers, strict=True))
        losses |= dict(zip(part.rows.tolist(), part.losses.tolist(), strict=True))
    return numbers, losses


def trained_alone(items, settings):
    """One device's round by plain torch, step by step over the modules themselves: [S] what changed, and the loss."""
    sent, vectors = encoder(), torch.from_numpy(features())
    module = sent.sequence_module()
    items = torch.from_numpy(items[-module.length - 1 :].astype(np.int64))
    optimiser = torch.optim.SGD(module.parameters(), lr=settings.encoder_rate)
    loss = torch.zeros(())
    for step in range(settings.steps):
        negatives = torch.from_numpy(rng_for(SEED, "negatives", step).integers(0, N_ITEMS, settings.negatives))
        own, others = (module.item_norm(module.item(vectors[rows])) for rows in (items, negatives))
        states = module.history(own[None, :-1])[0]
        drawn = states @ others.T + math.log((N_ITEMS - 1) / settings.negatives)
        drawn = drawn.masked_fill(negatives[None] == items[1:, None], -torch.inf)
        logits = torch.cat([(states * own[1:]).sum(1, keepdim=True), drawn], 1)
        loss = functional.cross_entropy(logits, torch.zeros(len(states), dtype=torch.int64))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    place = SPEC.sequence_place
    return sent.with_sequence(module).flat[place] - sent.flat[place], loss.item()


def test_each_device_of_a_cohort_trains_as_plain_torch_does_alone():
    sequences = histories()
    numbers, losses = changes_of(cohort(), sequences)
    assert sorted(numbers) == [0, 1, 2, 3, 4, 5, 6, 9]
    for device, change in numbers.items():
        items = sequences.items[sequences.offsets[device] : sequences.offsets[device + 1]]
        expected, loss = trained_alone(items, SETTINGS)
        assert np.abs(expected).max() > 0.01
        assert change == pytest.approx(expected, abs=1e-4)
        assert losses[device] == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize("settings", [SETTINGS, SHARED])
def test_a_cohort_of_one_is_the_same_as_that_device_among_others(settings):
    sequences = histories()
    together, _ = changes_of(cohort(settings), sequences)
    for device, change in together.items():
        alone, _ = changes_of(cohort(settings), select(sequences, np.array([device])))
        assert alone[0] == pytest.approx(change, abs=1e-4)


def test_adapters_of_the_whole_width_begin_along_the_whole_gradient():
    """With as many rows as columns A is a rotation, so that B A is free, and its first step is that of W."""
    once = dataclasses.replace(SETTINGS, steps=1)
    dim = SPEC.input_dim
    form = SharedAdapterSpec(encoder=SPEC, rank=dim // 2)
    product = next(name for name, array in form.products.items() if array.shape[1] == dim)
    factor = form.right_factors(SEED)[product]
    whole, _ = changes_of(cohort(once), histories())
    low, _ = changes_of(cohort(dataclasses.replace(once, adapters=f"shared:{dim // 2}")), histories())
    layout = SharedAdapterSpec(encoder=SPEC, rank=0).layout
    shape = next(array.shape for array in layout.arrays if array.name == product)
    expected = whole[3][layout.places[product]].reshape(shape) @ factor.T
    assert np.abs(expected).max() > 1e-4
    assert low[3][form.layout.places[product]] == pytest.approx(expected.reshape(-1), abs=1e-6)


def test_the_mean_of_adapters_is_the_adapter_of_the_mean():
    form = cohort(SHARED).form
    numbers, _ = changes_of(cohort(SHARED), histories())
    factors, alone = form.right_factors(SEED), np.array(list(numbers.values()))
    mean = np.mean([form.change(each, factors) for each in alone], 0)
    assert form.change(alone.mean(0), factors) == pytest.approx(mean, abs=1e-6)


def test_an_adapter_is_as_long_as_what_it_adds():
    form = cohort(SHARED).form
    numbers, _ = changes_of(cohort(SHARED), histories())
    added = form.change(numbers[4], form.right_factors(SEED))
    assert np.linalg.norm(added) == pytest.approx(np.linalg.norm(numbers[4]), rel=1e-4)


def test_no_change_is_longer_than_the_limit():
    free, _ = changes_of(cohort(SHARED), histories())
    limit = float(np.median([np.linalg.norm(change) for change in free.values()]))
    cut, _ = changes_of(cohort(dataclasses.replace(SHARED, clip_norm=limit)), histories())
    for device, change in free.items():
        length = np.linalg.norm(change)
        assert cut[device] == pytest.approx(change * min(1.0, limit / length), rel=1e-4, abs=1e-7)


def test_a_pull_to_the_encoder_shortens_changes():
    free, _ = changes_of(cohort(SHARED), histories())
    pulled, _ = changes_of(cohort(dataclasses.replace(SHARED, proximal=5.0)), histories())
    assert all(np.linalg.norm(pulled[device]) < np.linalg.norm(change) for device, change in free.items())


def test_right_factors_are_drawn_anew_for_each_round():
    form = cohort(SHARED).form
    first, again, other = form.right_factors(SEED), form.right_factors(SEED), form.right_factors(SEED + 1)
    for name, factor in first.items():
        assert factor @ factor.T == pytest.approx(np.eye(form.rank), abs=1e-6)
        assert np.array_equal(factor, again[name])
        assert not np.allclose(factor, other[name])


def test_refuses_an_encoder_of_several_members():
    spec = EncoderSpec(preset="wide", input_dim=SPEC.input_dim, feature_space=SPEC.feature_space)
    with pytest.raises(ConfigError, match="one member; got 'wide'"):
        CohortRound(encoder=Encoder.initial(spec, 0), features=features(), settings=SETTINGS, seed=0)
