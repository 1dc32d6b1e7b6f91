import dataclasses

import numpy as np
import torch

from client.training.local_id import LOCAL_ID_GRID, for_size, tune_local_id
from client.training.loop import TrainingSettings
from client.training.sequence_scores import ValidationSet
from shared.encoder.presets import PRESETS
from tests.unit.client.training.world import N_ITEMS, ragged, walks


def test_keeps_the_best_of_the_grid_on_validation():
    validation = ValidationSet(
        histories=ragged([[k, (k + 1) % N_ITEMS] for k in range(N_ITEMS)]),
        targets=torch.from_numpy((np.arange(N_ITEMS) + 2) % N_ITEMS),
        hide_seen=True,
    )
    good = dataclasses.replace(LOCAL_ID_GRID[0], tokens=64, warm_up=5, encoder_rate=1e-2)
    idle = dataclasses.replace(good, encoder_rate=0.0, head_rate=1e-9)
    model, log, chosen = tune_local_id(walks(), N_ITEMS, validation, seed=0, grid=(idle, good), preset=PRESETS["tiny"])
    assert chosen == good
    assert validation.ndcg(model) == max(log.validation) > 0.6


def test_takes_smaller_steps_on_a_small_platform_and_no_larger_ones_on_a_large_one() -> None:
    settings = TrainingSettings(tokens=2048, warm_up=100)
    assert for_size(settings, 8_000).tokens == 200
    assert for_size(settings, 100).tokens == 128
    assert for_size(settings, 10_000_000).tokens == 2048
