import numpy as np
import pytest
import torch

from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table
from shared.encoder.encoder import Encoder
from shared.encoder.presets import PRESETS
from shared.encoder.towers import Dropout
from tests.unit.client.training.world import N_ITEMS, SPEC, features


def model(seed=0):
    head = SequenceHead.initial(N_ITEMS, 16)
    return SequenceModel.over(Encoder.initial(SPEC, seed).sequence_module(), head, features())


def test_starts_with_ids_that_add_nothing():
    hidden = model().item_vectors(None, Dropout(np.random.default_rng(0), 0.9))
    assert torch.equal(hidden, model().item_vectors(None))


def test_adds_an_id_to_the_content():
    one = model()
    with torch.no_grad():
        one.v[3] = 1.0 * torch.arange(16)
        one.a[3] = 0.5
    expected = one.item_norm(one.item(one.features[3:4]) + 0.5 * one.v[3])
    assert torch.allclose(one.item_vectors(torch.tensor([3])), expected)
    assert torch.allclose(one.item_vectors(None)[3], expected[0], atol=1e-6)


def test_hides_whole_ids():
    one = model()
    with torch.no_grad():
        one.v.fill_(2.0)
        one.v[:, 0] = -1.0
    table, bare = one.item_vectors(None), model().item_vectors(None)
    mixed = one.item_vectors(None, Dropout(np.random.default_rng(0), 0.5))
    is_whole = torch.isclose(mixed, table, atol=1e-5).all(1)
    is_bare = torch.isclose(mixed, bare, atol=1e-5).all(1)
    assert (is_whole ^ is_bare).all()
    assert 0 < is_bare.sum() < N_ITEMS


def test_gives_the_towers_back_to_the_encoder():
    encoder = Encoder.initial(SPEC, 0)
    assert np.array_equal(encoder.with_sequence(model().towers()).flat, encoder.flat)


def test_gives_the_same_vectors_from_frozen_content():
    one = model()
    before = one.item_vectors(torch.tensor([1, 5]))
    one.freeze_content()
    assert torch.allclose(one.item_vectors(torch.tensor([1, 5])), before, atol=1e-6)
    one.thaw_content()


def test_does_not_share_memory_with_the_head():
    head = SequenceHead.initial(N_ITEMS, 16)
    one = SequenceModel.over(Encoder.initial(SPEC, 0).sequence_module(), head, features())
    with torch.no_grad():
        one.v.add_(1.0)
    assert not head.v.any()
    assert one.head().v.all()


def test_works_with_ids_alone():
    one, two = (SequenceModel.ids_only(PRESETS["tiny"], 30, seed) for seed in (1, 1))
    assert torch.equal(item_table(one).vectors, item_table(two).vectors)
    assert item_table(one).vectors.shape == (30, 16)
    with pytest.raises(ValueError, match="no item tower"):
        one.towers()
