import numpy as np
import pytest

from shared.encoder.changes import Adapter, AdapterSpec, ByteRows, Step, row_lengths, rows, step_layout
from shared.encoder.encoder import Encoder
from shared.federation.config import LocalSettings
from shared.federation.updates import Trained, update_form
from tests.unit.client.training.world import SPEC

SENT = Encoder.initial(SPEC, 0)
LINEAR_SIZE = 80


def trained() -> Encoder:
    """Another sequence part, the same linear part."""
    flat = SENT.flat.copy()
    flat[LINEAR_SIZE:] += np.random.default_rng(1).normal(0, 0.01, len(flat) - LINEAR_SIZE).astype(np.float32)
    return Encoder(spec=SPEC, flat=flat)


def adapter() -> Adapter:
    spec = AdapterSpec(encoder=SPEC, rank=2)
    return Adapter(spec=spec, flat=np.random.default_rng(2).normal(0, 0.1, spec.layout().size).astype(np.float32))


def encoded(update, settings):
    """As it travels."""
    if isinstance(update, Adapter):
        return update.to_bytes()
    made = Trained(encoder=update, limit=0, left_out=None, inputs=dict)
    return update_form(settings).encoded(SENT, made).flat


def in_bytes(one: Adapter) -> Adapter:
    lengths = row_lengths(one.spec.layout().arrays)
    return Adapter(spec=one.spec, flat=ByteRows.nearest(one.flat.astype(np.float64), lengths).values(lengths))


@pytest.mark.parametrize(
    ("settings", "update", "whole"),
    [
        (LocalSettings(), trained(), trained()),
        (LocalSettings(adapters="lora:2"), adapter(), in_bytes(adapter()).added_to(SENT)),
        (LocalSettings(updates="steps"), trained(), Step.between(SENT, trained()).added_to(SENT)),
    ],
    ids=["whole", "adapter", "step"],
)
def test_comes_out_as_it_went_in(settings, update, whole):
    layout, flat = update_form(settings).layout(SPEC), encoded(update, settings)
    assert (flat.shape, flat.dtype) == ((layout.size,), layout.dtype)
    assert update_form(settings).applied(SENT, flat).flat.tobytes() == whole.flat.tobytes()


def test_a_step_takes_a_byte_a_number_and_four_a_row_and_leaves_the_linear_part():
    settings = LocalSettings(updates="steps")
    assert encoded(trained(), settings).nbytes == len(SENT.flat) - LINEAR_SIZE + 4 * len(rows(SPEC))
    found = update_form(settings).applied(SENT, encoded(trained(), settings))
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])
    np.testing.assert_allclose(found.flat, trained().flat, atol=0.05 / 254 + 1e-7)


def test_an_adapter_takes_a_byte_a_number_and_four_a_row():
    settings, one = LocalSettings(adapters="lora:2"), adapter()
    flat = encoded(one, settings)
    assert flat.nbytes == one.flat.size + 4 * len(row_lengths(one.spec.layout().arrays))
    found = update_form(settings).applied(SENT, flat)
    # either factor is off by half of a 127th of its rows' largest number, some .3 here, and a product sums two of them
    np.testing.assert_allclose(found.flat, one.added_to(SENT).flat, atol=16 * 2 * 2 * 0.3 * 0.3 / 254)
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])


def test_steps_survive_their_flat_array_bit_for_bit():
    step = Step.between(SENT, trained())
    again = Step.from_flat(step.to_flat(), step_layout(SPEC))
    assert again.codes.tobytes() == step.codes.tobytes()
    assert again.scales.tobytes() == step.scales.tobytes()
    with pytest.raises(ValueError, match="expected a flat array int8"):
        Step.from_flat(step.to_flat()[:-1], step_layout(SPEC))
    assert step_layout(SPEC).size == len(step.to_flat())
