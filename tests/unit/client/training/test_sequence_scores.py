import numpy as np
import torch

from client.data.sequences import select
from client.training import sequence_scores
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table, score_histories
from shared.encoder.encoder import Encoder
from tests.unit.client.training.world import N_ITEMS, SPEC, features, ragged, walks


def model():
    rng = np.random.default_rng(0)
    head = SequenceHead(
        v=rng.normal(size=(N_ITEMS, 16)).astype(np.float32),
        a=np.ones(N_ITEMS, np.float32),
        b=rng.normal(size=N_ITEMS).astype(np.float32),
    )
    return SequenceModel.over(Encoder.initial(SPEC, 0).sequence_module(), head, features())


def test_scores_each_history_as_if_alone(monkeypatch):
    monkeypatch.setattr(sequence_scores, "TOKENS_AT_ONCE", 20)
    one, histories = model(), walks(users=20)
    together = score_histories(one, histories)
    assert together.shape == (20, N_ITEMS)
    assert together.dtype == np.float32
    alone = [score_histories(one, select(histories, np.array([user])))[0] for user in range(20)]
    assert np.allclose(together, np.array(alone), atol=1e-4)


def test_scores_by_the_formula():
    one = model()
    table = one.item_vectors(None)
    with torch.no_grad():
        state = one.history(table[[4, 2, 9]][None])[0, -1]
        expected = table @ state + one.b
    assert np.allclose(score_histories(one, ragged([[4, 2, 9]]))[0], expected.numpy(), atol=1e-5)


def test_reads_the_last_items_of_a_long_history():
    one = model()
    long = np.random.default_rng(0).integers(0, N_ITEMS, 40).tolist()
    assert np.allclose(score_histories(one, ragged([long])), score_histories(one, ragged([long[-12:]])), atol=1e-5)


def test_scores_an_empty_history_by_the_biases():
    one = model()
    assert np.allclose(score_histories(one, ragged([[], [1]]))[0], one.b.detach().numpy())
    assert np.allclose(score_histories(one, ragged([[]]))[0], one.b.detach().numpy())


def test_reuses_the_item_table():
    one = model()
    table = item_table(one)
    assert np.array_equal(score_histories(one, walks(), table=table), score_histories(one, walks()))
