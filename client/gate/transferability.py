"""The transferability score: what an encoder adds to content on a platform, before anything is learned from its users.

Neither side has a number that was fitted on the platform, so every past event of a user whom the encoder has not seen
is an example, several of one user: a few dozen users say much more than by one event each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, recent_examples, some
from client.ensemble.fitting import ranks_of_all
from client.evaluation.lift import resampled_lifts
from client.evaluation.ranking import whole_ndcg_of
from client.features.prepared_platform import PreparedPlatform
from client.transfer.release import PART, zero_shot_ensemble
from shared.encoder.encoder import Encoder
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class TransferabilitySettings(Checked):
    """What it is measured on."""

    events_of_a_user: int = bounded(8, least=1)
    """most recent training events of a user"""
    most_events: int = bounded(800, least=1)
    """of all users together"""
    level: float = bounded(0.01, above=0, below=1)
    """chance that the lift is not above its bound"""
    resamples: int = bounded(4000, least=1)
    """of the users"""


DEFAULT = TransferabilitySettings()


@dataclass(frozen=True, kw_only=True)
class TransferabilityScore:
    """Content with the encoder over content alone, by NDCG without a cutoff, each user's events averaged first."""

    users: int
    events: int
    lift: float
    """in percent"""
    bound: float
    """the lift that it exceeds at ``TransferabilitySettings.level``, users resampled, in percent"""


def transferability_score(
    prepared: PreparedPlatform,
    encoder: Encoder,
    calibration: Mapping[str, Any],
    unseen: NDArray[np.int64],
    rng: np.random.Generator,
    settings: TransferabilitySettings = DEFAULT,
) -> TransferabilityScore | None:
    """Measure it on the training events of ``unseen``, users whom the encoder has not seen; None where they have none.

    Args:
        prepared: where the encoder is to help.
        encoder: as it came.
        calibration: released with it.
        unseen: rows of training users.
        rng: draws users, where there are many, and resamples.
        settings: how many events are looked at.
    """
    past = _past(prepared.platform, rng.permutation(unseen), settings)
    if len(past) == 0:
        return None
    ensemble, both = zero_shot_ensemble(prepared, encoder, calibration)
    content = np.where([name.startswith(PART) for name in ensemble.names], 0.0, both)
    with_encoder, alone = whole_ndcg_of(ranks_of_all(ensemble, np.stack([both, content]), past))
    users, place, counts = np.unique(past.users, return_inverse=True, return_counts=True)
    by_user = [np.bincount(place, values) / counts for values in (with_encoder, alone)]
    lifts = resampled_lifts(by_user[0], by_user[1], rng, settings.resamples)
    return TransferabilityScore(
        users=len(users),
        events=len(past),
        lift=100 * (float(by_user[0].mean()) / float(by_user[1].mean()) - 1),
        bound=float(np.quantile(lifts, settings.level)),
    )


def _past(platform: Platform, users: NDArray[np.int64], settings: TransferabilitySettings) -> Examples:
    """Recent training events of these users, in this order, as far as the limit goes."""
    past = recent_examples(platform, users, settings.events_of_a_user)
    return some(past, np.arange(min(len(past), settings.most_events)))
