import numpy as np
import pytest
import torch

from client.data.platform import Examples
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.encoder import Encoder
from tests.unit.client.training.world import N_ITEMS, SPEC, features, ragged


def model_with_biases(b):
    """Biases so large that they alone make the ranking."""
    head = SequenceHead.initial(N_ITEMS, 16)
    return SequenceModel.over(
        Encoder.initial(SPEC, 0).sequence_module(),
        SequenceHead(v=head.v, a=head.a, b=1e3 * np.asarray(b, np.float32)),
        features(),
    )


def validation(history, target, *, hide_seen=True):
    return ValidationSet(histories=ragged([history]), targets=torch.tensor([target]), hide_seen=hide_seen)


def test_gives_the_gain_of_the_targets_rank():
    model = model_with_biases(-np.arange(N_ITEMS))
    assert validation([20], 2).ndcg(model) == pytest.approx(1 / np.log2(4))
    assert validation([20], 10).ndcg(model) == 0


def test_leaves_seen_items_out_where_asked():
    model = model_with_biases(-np.arange(N_ITEMS))
    assert validation([0, 1], 2).ndcg(model) == pytest.approx(1)
    assert validation([0, 1], 2, hide_seen=False).ndcg(model) == pytest.approx(1 / np.log2(4))


def test_keeps_a_target_that_was_seen():
    model = model_with_biases(-np.arange(N_ITEMS))
    assert validation([0, 2], 2).ndcg(model) == pytest.approx(1 / np.log2(3))


def test_gives_tied_items_their_mean_rank():
    head = SequenceHead.initial(N_ITEMS, 16)
    model = SequenceModel.over(Encoder.initial(SPEC, 0).sequence_module(), head, features())
    nobody = ValidationSet(histories=ragged([[]]), targets=torch.tensor([4]), hide_seen=True)
    assert nobody.ndcg(model, cutoff=30) == pytest.approx(1 / np.log2(1 + (N_ITEMS + 1) / 2))
    assert nobody.ndcg(model) == 0


def test_draws_a_bounded_sample_from_the_generator():
    examples = Examples(
        users=np.arange(9),
        histories=ragged([[k] for k in range(9)]),
        targets=np.arange(9, dtype=np.int32) + 10,
    )
    one, two = (ValidationSet.sample(examples, limit=4, hide_seen=True, rng=np.random.default_rng(1)) for _ in range(2))
    assert torch.equal(one.targets, two.targets)
    assert (one.targets.numpy() - 10).tolist() == one.histories.items.tolist()
    assert len(one.targets) == 4
