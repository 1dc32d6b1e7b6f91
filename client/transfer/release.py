"""What a source releases beside its encoder's numbers: how its scorers are calibrated on its calibration users.

With it a platform that has no event of its own users yet can recommend: the encoder's scorers and content.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.calibration import Calibration
from client.ensemble.candidates import ZERO_SHOT
from client.ensemble.cross_fitting import fit_data
from client.ensemble.ensemble import Ensemble, RawEnsemble, calibrate
from client.ensemble.ensemble_settings import DEFAULT
from client.features.prepared_platform import PreparedPlatform
from client.scorers.content_knn import ContentKnn
from client.scorers.encoder_scorers import encoder_scorers
from client.transfer.method import Method, Shown
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.encoder.file import ItemMoments
from shared.errors import EncoderFileError

PART = "released"
MIN_ITEMS = 100
"""Catalogues below this size release no moments: sums over a few items would tell what these are."""


def released_calibration(prepared: PreparedPlatform, encoder: Encoder) -> dict[str, Any]:
    """Calibrations fitted on the source's calibration users.

    Args:
        prepared: the source.
        encoder: that it releases.

    Returns:
        Column to calibration, as JSON values; empty where the source has no calibration users with an example.
    """
    raw, platform = _raw_ensemble(prepared, encoder), prepared.platform
    held_out = examples(platform, Stage.TRAIN, platform.calibration_users)
    if len(held_out) == 0:
        return {}
    fitted = calibrate(raw.columns, raw.views(held_out), [platform.calibration_users] * len(raw.columns))
    return {column.name: calibration.to_json() for column, calibration in zip(raw.columns, fitted, strict=True)}


@torch.no_grad()
def released_item_moments(features: NDArray[np.float32], encoder: Encoder) -> dict[str, Any]:
    """Mean and covariance of the item tower over the source's catalogue.

    Of vectors of items alone, rounded: no user has a part in them.

    Args:
        features: [n, D] the source's catalogue.
        encoder: whose item tower it is.

    Returns:
        The moments as JSON; empty where there are fewer than ``MIN_ITEMS`` items.
    """
    if len(features) < MIN_ITEMS:
        return {}
    outputs = encoder.sequence_module().item(torch.from_numpy(features)).numpy()
    covariance = np.cov(outputs, rowvar=False, bias=True).astype(np.float32)
    return ItemMoments(mean=outputs.mean(0), covariance=covariance).to_json()


def released_catalogue(features: NDArray[np.float32]) -> CatalogueMoments | None:
    """Mean and covariance of the source's item vectors [n, D] themselves; None where there are few."""
    return CatalogueMoments.of(features) if len(features) >= MIN_ITEMS else None


def zero_shot_ensemble(
    prepared: PreparedPlatform, encoder: Encoder, calibration: Mapping[str, Any]
) -> tuple[Ensemble, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """An ensemble that rests on no event of the platform's users: content and encoder count alike.

    Args:
        prepared: the platform.
        encoder: as it came.
        calibration: column to the source's released calibration, as JSON values.

    Returns:
        The ensemble, and its weights [R].

    Raises:
        EncoderFileError: if the released calibration lacks a column or cannot be read.
    """
    raw = _raw_ensemble(prepared, encoder)
    try:
        calibrations = tuple(Calibration.from_json(calibration[column.name]) for column in raw.columns)
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderFileError(f"the encoder's released calibration cannot be used: {error}") from error
    content = np.array([not column.name.startswith(PART) for column in raw.columns])
    uniform = DEFAULT.candidates.uniform
    return Ensemble(raw=raw, calibrations=calibrations), np.where(content, uniform / content.sum(), uniform)


def _raw_ensemble(prepared: PreparedPlatform, encoder: Encoder) -> RawEnsemble:
    platform = prepared.platform
    data = fit_data(prepared, platform.training_users[:0])
    scorers = (ContentKnn(data), *encoder_scorers(PART, encoder, prepared.features, device=prepared.device))
    return RawEnsemble(scorers=scorers, n_items=platform.n_items, repeats=platform.repeats)


ZERO_SHOT_METHOD = Method(
    name=ZERO_SHOT, origin="received", in_benchmark=True, shown=Shown(headline=5, curve=("green", "P"))
)
