"""``graft-client pretrain``: from a platform folder to an encoder file, calibrated on its weighting users."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.contract import read_folder
from client.data.platform import Examples, Platform, Stage
from client.data.preparation import Preparation, prepare
from client.data.splits import examples, select
from client.evaluation.ranking import batches
from client.features.item_features import item_features
from client.recommender.calibration import fit_mixture, spread_scale, target_probabilities
from client.recommender.panel import RawPanel
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import Kind
from client.training.loop import TrainingSettings
from client.training.pretraining import PRETRAINING, pretrain
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import ConfigError

MAX_EXAMPLES = 2_000


@dataclass(frozen=True, kw_only=True)
class PretrainOutcome:
    """What the command says at its end."""

    parameters: int
    epochs: int
    best_validation: float
    """NDCG@10 of the sequence part with its ids on validation events; NaN where there were none"""


def pretrain_folder(
    folder: Path,
    out: Path,
    *,
    preparation: Preparation,
    features: str = "hashing",
    preset: str = "small",
    settings: TrainingSettings = PRETRAINING,
    seed: int = 0,
) -> PretrainOutcome:
    """Pretrain on a platform folder and write the encoder file; raises InputError for bad input."""
    if not out.parent.is_dir():
        raise ConfigError(f"--out must lie in an existing folder; {out.parent} is none")
    platform = prepare(read_folder(folder), preparation, name=folder.name, seed=seed)
    space, vectors = item_features(platform, features)
    result = pretrain(platform, vectors, space, preset, settings, seed)
    card = EncoderCard(calibration=calibrate(platform, vectors, result.encoder), counts=result.counts)
    save_encoder(out, result.encoder, card)
    return PretrainOutcome(
        parameters=len(result.encoder.flat),
        epochs=len(result.log.losses),
        best_validation=max(result.log.validation, default=float("nan")),
    )


def calibrate(platform: Platform, features: NDArray[np.float32], encoder: Encoder) -> dict[str, Any]:
    """By scorer (``linear``, ``sequence``), its calibration on the weighting users' last training events.

    The encoder stands alone, without a head: so it arrives elsewhere.
    """
    scorers = encoder_scorers("released", encoder, features)
    panel = RawPanel(scorers=scorers, n_items=platform.n_items, repeats=platform.repeats)
    held_out = examples(platform, Stage.TRAIN, platform.weighting_users[:MAX_EXAMPLES])
    if len(held_out) == 0:
        return {}
    scales, probabilities = _target_probabilities(panel, held_out)
    return {
        column.name.removeprefix("released:"): fit_mixture(column.kind, np.concatenate(parts), scale).to_json()
        for column, parts, scale in zip(panel.columns, probabilities, scales, strict=True)
    }


def _target_probabilities(panel: RawPanel, held_out: Examples) -> tuple[list[float], list[list[NDArray[np.float64]]]]:
    """Per column: the scale of its scores, from the first batch, and its components' probabilities."""
    scales: list[float] = []
    found: list[list[NDArray[np.float64]]] = [[] for _ in panel.columns]
    for rows in batches(len(held_out), panel.n_items, len(panel.columns)):
        histories = select(held_out.histories, rows)
        targets = torch.from_numpy(held_out.targets[rows].astype(np.int64))
        candidates, scores = panel.candidates(histories), panel.scores(histories)
        scales = scales or [spread_scale(column, candidates) for column in scores]
        for parts, column, scale in zip(found, scores, scales, strict=True):
            parts.append(target_probabilities(Kind.SIMILARITY, column, candidates, targets, scale))
    return scales, found
