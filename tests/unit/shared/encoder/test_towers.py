import numpy as np
import pytest
import torch
from torch.nn import functional

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.presets import PRESETS
from shared.encoder.towers import Dropout, distance_buckets
from shared.feature_space import FeatureSpace

SPACE = FeatureSpace(name="test", parameters=(), dim=6, fingerprint="f")
TOWER = Encoder.initial(EncoderSpec(preset="tiny", input_dim=6, feature_space=SPACE), 0).sequence_module().history


def test_never_looks_at_a_later_item():
    rng = np.random.default_rng(0)
    first = torch.from_numpy(rng.normal(size=(2, 7, 16)).astype(np.float32))
    second = first.clone()
    second[:, 4:] = 0.5
    one, two = TOWER(first), TOWER(second)
    assert torch.equal(one[:, :4], two[:, :4])
    assert not torch.allclose(one[:, 4:], two[:, 4:])


def test_does_not_feel_padding():
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(size=(1, 5, 16)).astype(np.float32))
    padded = torch.cat([values, torch.zeros(1, 3, 16)], dim=1)
    assert torch.allclose(TOWER(values), TOWER(padded)[:, :5], atol=1e-6)


def test_feels_the_order_of_items():
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(size=(1, 5, 16)).astype(np.float32))
    swapped = values[:, [1, 0, 2, 3, 4]]
    assert not torch.allclose(TOWER(values)[:, 4], TOWER(swapped)[:, 4], atol=1e-4)


def test_the_bias_of_keys_gets_no_gradient():
    module = Encoder.initial(EncoderSpec(preset="tiny", input_dim=6, feature_space=SPACE), 0).sequence_module()
    module.history(torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    query, keys, value = module.history.blocks[0].query_key_value.bias.grad.chunk(3)
    assert query.abs().min() > 0
    assert keys.abs().max() == 0
    assert value.abs().min() > 0


def test_scores_by_the_mean_of_its_members():
    module = Encoder.initial(EncoderSpec(preset="wide", input_dim=6, feature_space=SPACE), 0).sequence_module()
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32))
    items = module.item_norm(module.item(features))
    histories, counts = torch.tensor([[0, 1, 2], [3, 4, 0]]), torch.tensor([3, 2])
    scores = module.history.last(items[histories], counts) @ items.T
    width = PRESETS["wide"].member.width
    alone = []
    for item, history in zip(module.item.members, module.history.members, strict=True):
        vectors = functional.layer_norm(item(features), (width,))
        alone.append(history.last(vectors[histories], counts) @ vectors.T)
    assert torch.allclose(scores, torch.stack(alone).mean(0), atol=1e-5)
    assert not torch.allclose(alone[0], alone[1], atol=0.1)
    whole = module.history(items[histories])
    assert torch.allclose(whole[[0, 1], counts - 1] @ items.T, scores, atol=1e-5)


def test_shares_its_size_among_its_members():
    one = PRESETS["wide"].member
    assert (one.members, one.width, one.hidden, one.heads) == (1, 96, 768, 2)
    assert PRESETS["small"].member == PRESETS["small"]


def test_groups_far_distances():
    buckets = distance_buckets(70)
    last = buckets[69].flip(0).tolist()
    assert last[:8] == list(range(8))
    assert last == sorted(last)
    assert last[-1] == 15
    assert (buckets[0, 1:] == -1).all()


def test_drops_the_given_share_and_keeps_the_mean():
    dropped = Dropout(np.random.default_rng(0), 0.25)(torch.ones(200, 200))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)


def test_drops_whole_rows_without_scaling():
    rows = Dropout(np.random.default_rng(0), 0.5).rows(torch.ones(1000, 3))
    assert set(rows.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(rows[:, 0], rows[:, 2])


def test_refuses_a_rate_of_one():
    with pytest.raises(ValueError, match="rate"):
        Dropout(np.random.default_rng(0), 1.0)
