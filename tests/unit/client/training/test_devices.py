"""What is trained and scored on a GPU is what the CPU has, within what docs/device.md says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.folder_options import Preparation
from client.features.prepared_platform import nearest
from client.fitting.pretrain import pretrain_folder
from client.scorers.encoder_scorers import Linear, Sequence
from client.scorers.scorer import HistoryBatch
from client.training.distillation import Distillation
from client.training.local_round import run_local_round
from client.training.loop import TrainingSettings, train_sequence
from client.training.sequence_model import SequenceModel
from client.transfer.alignment import CoralLoss, ProbeLoss
from shared.encoder.encoder import Encoder
from shared.encoder.file import ItemMoments, load_encoder
from shared.encoder.linear import LinearMap
from shared.encoder.presets import PRESETS
from shared.federation.config import LocalSettings
from tests.devices import needs_cuda
from tests.unit.client.cli.test_pretrain import folder  # noqa: F401 (a fixture)
from tests.unit.client.training.test_distillation import soft_targets_of
from tests.unit.client.training.test_loop import SAMPLED, SETTINGS, model, next_items
from tests.unit.client.training.world import N_ITEMS, SPEC, features, walks

SCORES, LOSSES, NDCG = 1e-4, 0.01, 0.05
"""of the largest score; of an epoch's loss; where one of these 24 histories weighs .04"""


def trained(one, settings, device, further=None):
    log = train_sequence(one, walks(), settings, np.random.default_rng(0), next_items(), further, device=device)
    assert {value.device.type for value in one.state_dict().values()} == {"cpu"}
    return log


def agree(make, settings, further=None):
    ours, theirs = (trained(make(), settings, device, further) for device in ("cpu", "cuda"))
    assert theirs.losses == pytest.approx(ours.losses, rel=LOSSES)
    assert theirs.validation == pytest.approx(ours.validation, abs=NDCG)


def test_is_itself_where_it_lies_already():
    one = model()
    assert one.on("cpu") is one


@needs_cuda
@pytest.mark.parametrize(
    "settings",
    [SETTINGS, SAMPLED, replace(SETTINGS, encoder_rate=0.0), replace(SETTINGS, proximal=1.0)],
)
def test_trains_the_same_encoder(settings):
    agree(model, settings)


@needs_cuda
def test_trains_the_same_model_of_ids_only():
    agree(lambda: SequenceModel.ids_only(PRESETS["tiny"], N_ITEMS, 0), SAMPLED)


@needs_cuda
def test_learns_the_same_beside_further_losses():
    width = PRESETS["tiny"].width
    moments = ItemMoments(mean=np.zeros(width, np.float32), covariance=np.eye(width, dtype=np.float32))
    taught = Distillation(soft_targets_of(walks()), temperature=2.0, weight=1.0)
    for further in (ProbeLoss(Encoder.initial(SPEC, 3), features(12, seed=5), 1.0), CoralLoss(moments, 1.0), taught):
        agree(model, SETTINGS, further)


@needs_cuda
def test_scores_the_same():
    rng = np.random.default_rng(0)
    W, mean_q, mean_y = (rng.normal(size=size).astype(np.float32) for size in ((8, 8), 8, 8))
    linear, batch = LinearMap(W=W, mean_q=mean_q, mean_y=mean_y), HistoryBatch(walks(), N_ITEMS)
    for make in (lambda device: Sequence(model(), device), lambda device: Linear(linear, features(), device)):
        (ours,), (theirs,) = (make(device).score(batch) for device in ("cpu", "cuda"))
        assert theirs.device.type == "cpu"
        assert torch.allclose(ours, theirs, rtol=0, atol=SCORES * float(ours.abs().max()))


@needs_cuda
def test_finds_the_same_neighbours():
    ours, theirs = (nearest(features(), 5, device) for device in ("cpu", "cuda"))
    assert np.allclose(ours.cosines, theirs.cosines, rtol=0, atol=SCORES)


@needs_cuda
def test_gives_the_same_update_of_a_round():
    def update(device):
        result = run_local_round(
            encoder=Encoder.initial(SPEC, 0),
            head=None,
            features=features(),
            sequences=walks(),
            settings=LocalSettings(),
            seed=0,
            device=device,
        )
        return result.trained.encoder.flat, result.losses

    (ours, losses), (theirs, again) = update("cpu"), update("cuda")
    assert again == pytest.approx(losses, rel=LOSSES)
    assert np.linalg.norm(ours - theirs) < 0.05 * np.linalg.norm(ours - Encoder.initial(SPEC, 0).flat)


@needs_cuda
def test_writes_a_file_that_needs_no_gpu(folder, tmp_path):  # noqa: F811
    out = tmp_path / "encoder.safetensors"
    settings = TrainingSettings(epochs=1, tokens=256)
    made = pretrain_folder(folder, out, preparation=Preparation(), preset="tiny", settings=settings, device="cuda")
    assert made.device == "cuda"
    assert load_encoder(out)[0].has_sequence
