import numpy as np
import torch

from client.training.loop import TrainingSettings, train_sequence
from client.training.low_rank import LowRank
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder
from tests.unit.client.training.world import N_ITEMS, SPEC, features, walks

PHASE = TrainingSettings(epochs=4, tokens=64, warm_up=5, head_rate=0.0)
HEAD = SequenceHead.initial(N_ITEMS, SPEC.architecture.width)


def received():
    return Encoder.initial(SPEC, 0)


def begun(rank=2, seed=1):
    model = SequenceModel.over(received().sequence_module(), HEAD, features())
    return model, LowRank(model, received(), rank, torch.Generator().manual_seed(seed))


def trained(**options):
    model, low_rank = begun(**options)
    log = train_sequence(model, walks(), PHASE, np.random.default_rng(0))
    return model, low_rank.adapter(), log


def states(model):
    """[B, L, d] of some histories, the items' vectors coming from the model's own item tower."""
    rows = torch.arange(12).reshape(2, 6)
    with torch.no_grad():
        return model.history(model.item_vectors(None)[rows]).numpy()


def test_starts_at_the_received_encoder_number_for_number():
    model, low_rank = begun()
    assert np.array_equal(low_rank.adapter().added_to(received()).flat, received().flat)
    plain = SequenceModel.over(received().sequence_module(), HEAD, features())
    assert np.array_equal(states(model), states(plain))


def test_scores_alike_beside_the_encoder_and_added_to_it():
    model, adapter, _log = trained()
    whole = SequenceModel.over(adapter.added_to(received()).sequence_module(), HEAD, features())
    np.testing.assert_allclose(states(model), states(whole), atol=1e-5)
    plain = SequenceModel.over(received().sequence_module(), HEAD, features())
    assert np.abs(states(model) - states(plain)).max() > 1e-2


def test_learns_without_moving_the_matrices_beneath():
    model, adapter, log = trained()
    assert log.losses[-1] < log.losses[0]
    beneath = {name: value for name, value in model.named_parameters() if name.endswith(".original")}
    assert len(beneath) == 3 + 4  # item tower and one block
    before = received().arrays()
    for name, value in beneath.items():
        plain = "sequence." + name.replace("parametrizations.", "").removesuffix(".original")
        assert np.array_equal(value.detach().numpy(), before[plain])
        assert value.grad is None
    assert adapter.change().any()


def test_moves_norms_and_biases_as_they_are():
    change = {name for name, value in trained()[1].arrays().items() if value.any()}
    assert {"sequence.item_norm.weight", "sequence.item.enter.bias", "sequence.history.log_scale"} <= change


def test_draws_its_right_factors_from_the_generator():
    one, same, other = (begun(seed=seed)[1].adapter().flat for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
