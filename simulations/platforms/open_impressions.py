"""A platform's impressions opened for a run, where it predicts clicks."""

from dataclasses import dataclass

import numpy as np

from client.data.contract import IMPRESSIONS
from client.data.held_out import Stage
from client.data.impressions import Impressions, read_impressions
from client.data.platform import Platform
from client.data.preparation import further_users
from client.data.source import read_folder
from client.data.spec import PlatformSpec
from client.features.item_features import item_features
from client.features.kept_vectors import KeptVectors
from client.features.prepared_platform import Catalogue
from client.transfer.table import predicting_clicks
from shared.system.device import used_device
from simulations.config.run_config import RunConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenImpressions:
    """A platform's impressions with the vectors of what they showed."""

    impressions: Impressions
    catalogue: Catalogue
    """of the shown items"""


def open_impressions(
    spec: PlatformSpec, config: RunConfig, platform: Platform, seed: int, cached_vectors: KeptVectors
) -> OpenImpressions | None:
    """Read a platform's impressions, and the vectors of what they showed.

    Args:
        spec: of the platform.
        config: of the run.
        platform: as it was prepared.
        seed: of the run.
        cached_vectors: keeps the vectors of texts that were read already.

    Returns:
        The impressions; None where the run predicts no clicks of this platform, it has no file of them, or a stage has
        no impression with a clicked and an unclicked candidate.
    """
    predicts_clicks = config.clicks and spec.name in config.reported and set(config.methods) & set(predicting_clicks())
    if not predicts_clicks or not (spec.path / IMPRESSIONS).is_file():
        return None
    preparation = spec.preparation(config)
    folder = read_folder(spec.path, spec.said_of_times)
    further = further_users(folder, preparation, platform, seed)
    impressions = read_impressions(folder, preparation, platform, seed=seed, further=further)
    if impressions is None or not all(_tells(impressions, stage) for stage in Stage):
        return None
    device = used_device(config.device)
    _, features = item_features(impressions.shown, config.features, cached_vectors=cached_vectors, device=device)
    return OpenImpressions(impressions=impressions, catalogue=Catalogue(features=features, device=device))


def _tells(impressions: Impressions, stage: Stage) -> bool:
    """Whether some impression of the stage has a clicked and an unclicked candidate."""
    part = impressions.only(impressions.at(stage))
    clicked = np.bincount(np.repeat(np.arange(len(part)), part.candidates.lengths()), part.labels, minlength=len(part))
    return bool(((clicked > 0) & (clicked < part.candidates.lengths())).any())
