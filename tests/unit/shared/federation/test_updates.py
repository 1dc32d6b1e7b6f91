import numpy as np
import pytest

from shared.encoder.changes import Adapter, AdapterSpec, Int8Delta, change_between, change_grid, delta_grid, with_change
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
        return update.to_cells()
    made = Trained(sent=SENT, encoder=update, limit=0, left_out=None, inputs=dict, seed=3)
    return update_form(settings, 0).encoded(made).flat


def in_bytes(one: Adapter) -> Adapter:
    return Adapter.from_cells(one.spec, one.to_cells())


def to_the_nearest_change(after: Encoder) -> Encoder:
    grid = change_grid(SPEC)
    return with_change(SENT, change_between(SENT, after, grid), grid)


@pytest.mark.parametrize(
    ("settings", "update", "whole"),
    [
        (LocalSettings(), trained(), to_the_nearest_change(trained())),
        (LocalSettings(adapters="lora:2"), adapter(), in_bytes(adapter()).added_to(SENT)),
    ],
    ids=["whole", "adapter"],
)
def test_comes_out_as_it_went_in(settings, update, whole):
    layout, flat = update_form(settings, 0).grid(SPEC).layout, encoded(update, settings)
    assert (flat.shape, flat.dtype) == ((layout.size,), layout.dtype)
    assert update_form(settings, 0).applied(SENT, flat).flat.tobytes() == whole.flat.tobytes()


def test_a_whole_change_takes_two_bytes_a_number_and_leaves_the_linear_part():
    found = to_the_nearest_change(trained())
    numbers = len(SENT.flat) - LINEAR_SIZE
    assert encoded(trained(), LocalSettings()).nbytes == 2 * (numbers + len(SPEC.sequence_arrays))
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])
    np.testing.assert_allclose(found.flat, trained().flat, atol=0.05 / 2**15 + 1e-7)


DRAWN = [
    LocalSettings(updates=updates, adapters=adapters)
    for updates in ("int8-delta", "int4-delta")
    for adapters in ("none", "shared:2")
]


def rounds(settings, count):
    """What so many updates of one change add up to, and what the last one left out."""
    total, left_out = np.zeros(len(SENT.flat)), None
    for number in range(count):
        form = update_form(settings, 0)
        found = form.encoded(
            Trained(sent=SENT, encoder=trained(), limit=0, left_out=left_out, inputs=dict, seed=number)
        )
        total += form.applied(SENT, found.flat).flat.astype(np.float64) - SENT.flat
        left_out = found.left_out
    return total[SPEC.sequence_place], left_out


@pytest.mark.parametrize("settings", DRAWN)
def test_what_is_rounded_by_lot_and_what_waits_are_all_that_changed(settings):
    change = (trained().flat.astype(np.float64) - SENT.flat)[SPEC.sequence_place]
    total, left_out = rounds(settings, 7)
    np.testing.assert_allclose(total + left_out, 7 * change, atol=1e-5)
    assert np.abs(left_out).max() > 0


@pytest.mark.parametrize("settings", [one for one in DRAWN if one.adapters == "none"])
def test_lots_are_right_on_average(settings):
    change = (trained().flat.astype(np.float64) - SENT.flat)[SPEC.sequence_place]
    form = update_form(settings, 0)
    drawn = [
        form.grid(SPEC).values(form.in_cells(SPEC, change, left_out=None, limit=0, seed=seed).flat)
        for seed in range(400)
    ]
    alone = np.abs(drawn[0] - change).max()
    assert np.abs(np.mean(drawn, 0) - change).max() < alone / 4


@pytest.mark.parametrize("settings", DRAWN)
def test_no_update_is_longer_than_its_limit_by_more_than_rounding_takes(settings):
    form, waiting = update_form(settings, 0), np.full(len(SENT.flat[SPEC.sequence_place]), 1.0, np.float32)
    found = form.encoded(Trained(sent=SENT, encoder=trained(), limit=0.5, left_out=waiting, inputs=dict, seed=1))
    values = form.grid(SPEC).values(found.flat)
    levels = form.grid(SPEC).levels
    assert np.linalg.norm(values) <= 0.5 * (1 + 2 / levels * np.sqrt(len(values)))


@pytest.mark.parametrize(
    "settings", [LocalSettings(), LocalSettings(updates="int8-delta"), LocalSettings(adapters="lora:2")]
)
def test_no_form_has_a_place_for_the_linear_part(settings):
    changed = encoded(Encoder(spec=SPEC, flat=trained().flat + np.float32(1)), LocalSettings())
    grid = update_form(settings, 0).grid(SPEC)
    assert not any("linear" in array.name for array in grid.layout.arrays)
    found = update_form(LocalSettings(), 0).applied(SENT, changed)
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])


def test_a_step_takes_a_byte_a_number_and_one_a_row_and_leaves_the_linear_part():
    settings = LocalSettings(updates="int8-delta")
    assert encoded(trained(), settings).nbytes == len(SENT.flat) - LINEAR_SIZE + len(delta_grid(SPEC).lengths)
    found = update_form(settings, 0).applied(SENT, encoded(trained(), settings))
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])
    np.testing.assert_allclose(found.flat, trained().flat, atol=2 * 0.05 / 127 + 1e-7)


def test_an_adapter_takes_a_byte_a_number_and_one_a_row():
    settings, one = LocalSettings(adapters="lora:2"), adapter()
    flat = encoded(one, settings)
    assert flat.nbytes == one.flat.size + len(one.spec.grid().lengths)
    found = update_form(settings, 0).applied(SENT, flat)
    # either factor is off by up to a 127th of its rows' largest number, some .3 here, and a product sums two of them
    np.testing.assert_allclose(found.flat, one.added_to(SENT).flat, atol=16 * 2 * 2 * 0.3 * 0.3 / 127)
    assert np.array_equal(found.flat[:LINEAR_SIZE], SENT.flat[:LINEAR_SIZE])


def test_refuses_cells_of_another_length():
    step = Int8Delta.between(SENT, trained())
    with pytest.raises(ValueError, match="expected a flat array int8"):
        Int8Delta(cells=step.cells[:-1]).added_to(SENT)
    assert delta_grid(SPEC).layout.size == len(step.cells)
