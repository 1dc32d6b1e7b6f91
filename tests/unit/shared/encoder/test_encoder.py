import numpy as np
import pytest
import torch

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import LinearMap
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace

SPACE = FeatureSpace(name="test", parameters=(), dim=6, fingerprint="f")
SPEC = EncoderSpec(preset="tiny", input_dim=6, feature_space=SPACE)


def test_draws_the_same_numbers_from_the_same_seed():
    one, two = Encoder.initial(SPEC, 3), Encoder.initial(SPEC, 3)
    assert np.array_equal(one.flat, two.flat)
    assert not np.array_equal(one.flat, Encoder.initial(SPEC, 4).flat)
    assert one.flat.shape == (SPEC.layout().size,)


def test_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    Encoder.initial(SPEC, 3).sequence_module()
    assert torch.equal(before, torch.random.get_rng_state())


def test_gives_back_the_sequence_part():
    encoder = Encoder.initial(SPEC, 0)
    assert np.array_equal(encoder.with_sequence(encoder.sequence_module()).flat, encoder.flat)


def test_is_not_changed_by_training_its_module():
    encoder = Encoder.initial(SPEC, 0)
    before = encoder.flat.copy()
    module = encoder.sequence_module()
    with torch.no_grad():
        module.item.enter.weight.add_(1.0)
    assert np.array_equal(encoder.flat, before)
    changed = encoder.with_sequence(module)
    assert (changed.flat != before).sum() == module.item.enter.weight.numel()


def test_holds_the_linear_part_beside_the_sequence_part():
    encoder = Encoder.initial(SPEC, 0)
    assert not encoder.linear().W.any()
    W = np.arange(36, dtype=np.float32).reshape(6, 6)
    linear = LinearMap(W=W, mean_q=W[0].copy(), mean_y=W[1].copy())
    changed = encoder.with_linear(linear)
    assert np.array_equal(changed.linear().W, W)
    assert np.array_equal(changed.flat[48:], encoder.flat[48:])


def test_refuses_an_unknown_preset_and_a_foreign_dim():
    with pytest.raises(ConfigError, match="tiny, nano, small"):
        EncoderSpec(preset="huge", input_dim=6, feature_space=SPACE)
    with pytest.raises(ConfigError, match="7"):
        EncoderSpec(preset="tiny", input_dim=7, feature_space=SPACE)


def test_refuses_a_flat_array_of_another_length():
    with pytest.raises(ValueError, match="float32"):
        Encoder(spec=SPEC, flat=np.zeros(3, np.float32))
