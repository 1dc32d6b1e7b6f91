"""The state of one history in numpy is that of the towers."""

import numpy as np
import pytest
import torch

from client.data.sequences import Sequences
from client.training.local_id import LARGE
from client.training.one_state import in_arrays
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import history_states, item_table
from shared.encoder.presets import PRESETS


@pytest.mark.parametrize("preset", [LARGE, PRESETS["wide"]], ids=["one", "members"])
@pytest.mark.parametrize("length", [1, 3, 50])
def test_is_the_state_that_a_batch_of_one_has(preset, length):
    model = SequenceModel.ids_only(preset, 30, seed=0)
    table, items = item_table(model), np.random.default_rng(length).integers(30, size=length).astype(np.int32)
    expected = history_states(model, table, Sequences(offsets=np.array([0, length]), items=items))[0]
    found = in_arrays(model.history).of(table.vectors.numpy()[items])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("preset", [LARGE, PRESETS["wide"]], ids=["one", "members"])
def test_is_at_each_item_what_the_towers_give(preset):
    model = SequenceModel.ids_only(preset, 30, seed=0)
    vectors = item_table(model).vectors[:20]
    with torch.no_grad():
        expected = model.history(vectors[None])[0]
    np.testing.assert_allclose(in_arrays(model.history).at_each(vectors.numpy()), expected.numpy(), atol=1e-5)
