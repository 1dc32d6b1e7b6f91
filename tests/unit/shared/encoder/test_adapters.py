import numpy as np
import pytest

from shared.encoder.changes import ALPHA, Adapter, AdapterSpec
from shared.encoder.encoder import Encoder, EncoderSpec, flatten
from shared.encoder.linear import LinearMap
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace


def encoder_spec(preset="tiny", dim=8):
    return EncoderSpec(
        preset=preset,
        input_dim=dim,
        feature_space=FeatureSpace(name="test", parameters=(), dim=dim, fingerprint="test"),
    )


def drawn(rank=2, seed=0):
    spec = AdapterSpec(encoder=encoder_spec(), rank=rank)
    values = np.random.default_rng(seed).normal(size=spec.layout().size)
    return Adapter(spec=spec, flat=values.astype(np.float32))


def with_linear_part():
    W = np.arange(64, dtype=np.float32).reshape(8, 8)
    linear = LinearMap(W=W, mean_q=W[1].copy(), mean_y=W[2].copy())
    return Encoder.initial(encoder_spec(), 0).with_linear(linear)


def test_has_two_factors_for_a_matrix_and_the_whole_array_for_all_else():
    shapes = {array.name: array.shape for array in drawn().spec.layout().arrays}
    assert shapes["sequence.item.enter.weight.B"] == (2, 32)
    assert shapes["sequence.item.enter.weight.A"] == (2, 8)
    assert shapes["sequence.item.enter.bias"] == (32,)
    assert shapes["sequence.history.blocks.0.distance_bias"] == (2, 16)
    assert "sequence.item.enter.weight" not in shapes
    assert all(name.startswith("sequence.") for name in shapes)


def test_has_no_factors_where_they_would_not_be_smaller():
    # item.leave is [16, 32]: 10 · (16 + 32) < 512 < 11 · (16 + 32)
    at = {
        rank: {array.name for array in AdapterSpec(encoder=encoder_spec(), rank=rank).layout().arrays}
        for rank in (10, 11)
    }
    assert "sequence.item.leave.weight.B" in at[10]
    assert "sequence.item.leave.weight" in at[11]


def test_is_less_than_an_eighth_of_the_encoder_at_the_size_that_is_used():
    spec = AdapterSpec(encoder=encoder_spec("small", 512), rank=8)
    sides = (192 + 512) + (96 + 192) + (96 + 512)
    block = (288 + 96) + (96 + 96) + (384 + 96) + (96 + 384)
    norms_and_biases = 192 + 96 + 192 + 2 * (192 + 288 + 96 + 2 * 16 + 192 + 384 + 96) + 192 + 1
    assert spec.layout().size == 8 * (sides + 2 * block) + norms_and_biases == 40_609
    assert spec.encoder.layout().size > 8 * 40_609
    assert sum(array.size for array in spec.changed()) > 8 * 40_609


def test_adds_the_products_and_the_whole_differences():
    adapter, encoder = drawn(), with_linear_part()
    before, after, parts = encoder.arrays(), adapter.added_to(encoder).arrays(), adapter.arrays()
    name = "sequence.history.blocks.0.forward_in.weight"
    expected = before[name] + ALPHA / 2 * parts[name + ".B"].T @ parts[name + ".A"]
    np.testing.assert_allclose(after[name], expected, rtol=1e-5)
    assert np.linalg.matrix_rank(after[name] - before[name], tol=1e-3) == 2
    name = "sequence.item_norm.weight"
    np.testing.assert_array_equal(after[name], before[name] + parts[name])


def test_leaves_the_linear_part_alone():
    encoder = with_linear_part()
    changed = drawn().added_to(encoder)
    assert np.array_equal(changed.linear().W, encoder.linear().W)
    assert np.array_equal(changed.flat[:80], encoder.flat[:80])
    assert (drawn().change()[80:] != 0).all()


def test_adds_nothing_where_the_left_factors_and_the_differences_are_zero():
    adapter = drawn()
    start = {name: value * name.endswith(".A") for name, value in adapter.arrays().items()}
    nothing = Adapter(spec=adapter.spec, flat=flatten(adapter.spec.layout(), start))
    assert np.array_equal(nothing.added_to(with_linear_part()).flat, with_linear_part().flat)


def test_scales_the_change():
    np.testing.assert_allclose(drawn().scaled(0.25).change(), 0.25 * drawn().change(), rtol=1e-5)


def test_gives_numbers_that_are_not_finite_for_absurd_factors():
    adapter = drawn()
    absurd = Adapter(spec=adapter.spec, flat=np.full_like(adapter.flat, 1e30))
    assert not np.isfinite(absurd.change()).all()


def test_refuses_a_rank_of_nothing():
    with pytest.raises(ConfigError, match="1 or more; got 0"):
        AdapterSpec(encoder=encoder_spec(), rank=0)
