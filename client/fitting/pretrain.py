"""From a platform folder to an encoder file, calibrated on its weighting users."""

from dataclasses import dataclass
from pathlib import Path

from client.data.folder_options import Preparation
from client.features.prepared_platform import open_platform
from client.training.loop import TrainingSettings
from client.training.pretraining import PRETRAINING, pretrain, require_learnable
from client.transfer.release import released_calibration, released_item_moments
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import ConfigError, os_error_as
from shared.system.progress import working


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
    if out.is_dir():
        raise ConfigError(f"--out must name a file; {out} is a folder")
    with working("preparing"):
        prepared = open_platform(folder, preparation, seed=seed, features=features)
    require_learnable(prepared.platform, prepared.features)
    result = pretrain(prepared.platform, prepared.features, prepared.space, preset, settings, seed)
    calibration = released_calibration(prepared, result.encoder)
    moments = released_item_moments(prepared.features, result.encoder)
    card = EncoderCard(calibration=calibration, counts=result.counts, item_moments=moments)
    with os_error_as(ConfigError, f"{out}: the encoder cannot be written"):
        save_encoder(out, result.encoder, card)
    return PretrainOutcome(
        parameters=len(result.encoder.flat),
        epochs=len(result.log.losses),
        best_validation=max(result.log.validation, default=float("nan")),
    )
