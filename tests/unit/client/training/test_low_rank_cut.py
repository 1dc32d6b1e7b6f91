"""What travels of a change where updates are of low rank, and what waits."""

import numpy as np
import pytest

from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.training.moments import TOKENS, input_moments
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.changes import cut, delta_grid
from shared.encoder.encoder import Encoder
from shared.errors import GraftError
from shared.seeding import rng_for
from tests.unit.client.training.world import N_ITEMS, SPEC, features, walks

SENT = Encoder.initial(SPEC, 0)
SIZE = int(delta_grid(SPEC).lengths.sum())
RANK = 2
ENTER = "sequence.item.enter.weight"
FORWARD = "sequence.history.blocks.0.forward_in.weight"


def model() -> SequenceModel:
    return SequenceModel.over(
        SENT.sequence_module(), SequenceHead.initial(N_ITEMS, SPEC.architecture.width), features()
    )


def change(seed: int = 0) -> np.ndarray:
    return rng_for(seed, "change").normal(0, 0.01, SIZE)


def uneven(seed: int = 3) -> dict[str, np.ndarray]:
    """Inputs that lie along a few directions much more than along others."""
    found = {}
    for array in SENT.spec.layout().arrays:
        if array.name.startswith("sequence.") and array.name.endswith(".weight") and len(array.shape) == 2:
            spread = rng_for(seed, array.name).normal(size=(array.shape[1], array.shape[1])) ** 3
            found[array.name] = spread @ spread.T
    return found


def arrays_of(change: np.ndarray) -> dict[str, np.ndarray]:
    flat = SENT.flat.astype(np.float64)
    whole = Encoder(spec=SPEC, flat=(flat + np.concatenate([np.zeros(len(flat) - SIZE), change])).astype(np.float32))
    return {name: whole.arrays()[name] - SENT.arrays()[name] for name in whole.arrays()}


def lost(left_out: np.ndarray, moments: np.ndarray, name: str) -> float:
    """How much the outputs of a matrix are off, summed over its inputs."""
    off = arrays_of(left_out)[name].astype(np.float64)
    return float(np.trace(off @ moments @ off.T))


def test_the_inputs_of_the_item_tower_are_the_catalogue() -> None:
    found = input_moments(model(), walks(), rng_for(0), batches=10)
    wide = np.sqrt(features().shape[1]) * features().astype(np.float64)  # the tower brings vectors to length √D
    np.testing.assert_allclose(found[ENTER], wide.T @ wide, rtol=1e-5)
    assert set(found) <= set(SENT.arrays())
    assert all(value.shape == (SENT.arrays()[name].shape[1],) * 2 for name, value in found.items())


def test_the_inputs_of_the_history_tower_are_the_positions_and_no_padding() -> None:
    histories = [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10], [11, 3]]
    items = np.concatenate(histories).astype(np.int32)
    together = Sequences(offsets=offsets_of(np.array([len(one) for one in histories])), items=items)
    found = input_moments(model(), together, rng_for(0), batches=10)
    alone = [
        input_moments(
            model(), Sequences(offsets=np.array([0, len(one)]), items=np.array(one, np.int32)), rng_for(0), batches=10
        )
        for one in histories
    ]
    np.testing.assert_allclose(found[FORWARD], sum(one[FORWARD] for one in alone), rtol=1e-4, atol=1e-4)


def test_looks_at_so_many_batches_and_no_more() -> None:
    many = walks(users=3 * TOKENS)
    one, two, all_ = (input_moments(model(), many, rng_for(0), batches=batches)[FORWARD] for batches in (1, 2, 99))
    assert 0 < np.trace(one) < np.trace(two) < np.trace(all_) / 2


def test_an_adapter_and_what_it_leaves_out_are_the_change() -> None:
    found = cut(SPEC, change(), RANK, uneven())
    np.testing.assert_allclose(found.adapter.change()[-SIZE:] + found.left_out, change(), atol=1e-7)
    assert not found.adapter.change()[:-SIZE].any()
    whole = {array.name for array in found.adapter.spec.changed() if not found.adapter.spec.is_product(array)}
    assert all(np.abs(arrays_of(found.left_out)[name]).max() < 1e-8 for name in whole)


@pytest.mark.parametrize("name", [ENTER, FORWARD])
def test_no_other_product_of_the_rank_changes_outputs_so_nearly_alike(name: str) -> None:
    moments = uneven()
    least = np.linalg.eigvalsh(arrays_of(change())[name] @ moments[name] @ arrays_of(change())[name].T)[:-RANK].sum()
    found = lost(cut(SPEC, change(), RANK, moments).left_out, moments[name], name)
    assert found == pytest.approx(least, rel=1e-3)
    # the nearest by numbers alone, which is what inputs that are unknown get
    assert found < 0.9 * lost(cut(SPEC, change(), RANK, {}).left_out, moments[name], name)


def test_leaves_nothing_out_of_a_change_of_the_rank() -> None:
    low = cut(SPEC, change(), RANK, uneven()).adapter.change()[-SIZE:].astype(np.float64)
    again = cut(SPEC, low, RANK, uneven())
    np.testing.assert_allclose(again.left_out, 0, atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_what_training_drove_out_of_bounds(value: float) -> None:
    wild = change()
    wild[7] = value
    with pytest.raises(GraftError, match="training must leave finite numbers"):
        cut(SPEC, wild, RANK, uneven())


def test_looking_at_inputs_leaves_the_model_as_it_was() -> None:
    one = model()
    one.train()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    input_moments(one, walks(), rng_for(0), batches=10)
    assert one.training
    assert all((before[name] == value).all() for name, value in one.state_dict().items())
    assert not any(module._forward_hooks for module in one.modules())
