"""The state of one history in numpy is that of the towers."""

import numpy as np
import pytest

from client.data.sequences import Sequences
from client.training.local_id import LARGE
from client.training.one_state import OneState
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import history_states, item_table
from shared.encoder.presets import PRESETS


@pytest.mark.parametrize("preset", [LARGE, PRESETS["wide"]], ids=["one", "members"])
@pytest.mark.parametrize("length", [1, 3, 50])
def test_is_the_state_that_a_batch_of_one_has(preset, length):
    model = SequenceModel.ids_only(preset, 30, seed=0)
    table, items = item_table(model), np.random.default_rng(length).integers(30, size=length).astype(np.int32)
    expected = history_states(model, table, Sequences(offsets=np.array([0, length]), items=items))[0]
    found = OneState(model.history).of(table.vectors.numpy()[items])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
