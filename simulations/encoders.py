"""The encoders that a run compares, each trained once for all platforms that use it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.merged import merged
from client.data.platform import Platform
from client.data.splits import training_sequences
from client.recommender.cross_fitting import Catalogue, Trained
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import Scorer
from client.training.loop import TrainingSettings
from client.training.pretraining import PRETRAINING, Pretrained, pretrain, stopping_set
from client.training.sequence_model import SequenceHead
from client.training.tuning import TuningSettings, tune
from client.workspace import OpenedData
from shared.encoder.encoder import Encoder
from shared.feature_space.spec import FeatureSpace

OWN = TrainingSettings(epochs=20, patience=3)
"""of a platform's own encoder"""


@dataclass(frozen=True, kw_only=True)
class OpenPlatform:
    """A platform with its vectors and their neighbours."""

    data: OpenedData
    catalogue: Catalogue

    @property
    def platform(self) -> Platform:
        """What was prepared."""
        return self.data.platform

    @property
    def space(self) -> FeatureSpace:
        """Which vectors it has."""
        return self.data.space


def pooled_encoder(platforms: Mapping[str, OpenPlatform], preset: str, seed: int) -> Encoder:
    """An encoder trained on all platforms' contributing users in one place."""
    everything = merged([one.platform for one in platforms.values()])
    features = np.concatenate([one.catalogue.features for one in platforms.values()])
    space = next(iter(platforms.values())).space
    return pretrain(
        everything.platform, features, space, preset, PRETRAINING, seed, stopping_users=everything.stopping_users
    ).encoder


def own_part(one: OpenPlatform, preset: str, seed: int) -> Trained | None:
    """The platform's own encoder with its head; None where it has too few users to train one."""
    if not one.platform.contributes:
        return None
    own = pretrain(one.platform, one.catalogue.features, one.space, preset, OWN, seed)
    return Trained(scorers=_scorers("own", one, own.encoder, own.head), unseen=one.platform.weighting_users)


def received_part(name: str, one: OpenPlatform, encoder: Encoder, *, unseen: NDArray[np.int64]) -> Trained:
    """A received encoder as it is, without a head."""
    return Trained(scorers=_scorers(name, one, encoder, None), unseen=unseen)


def tuned_part(name: str, one: OpenPlatform, encoder: Encoder, *, seed: int) -> Trained | None:
    """A received encoder tuned on the platform's contributing users; None where they are too few."""
    if not one.platform.contributes:
        return None
    tuned = tune(
        encoder=encoder,
        head=None,
        features=one.catalogue.features,
        sequences=training_sequences(one.platform, one.platform.contributing_users),
        validation=stopping_set(one.platform),
        received_moments=None,
        settings=TuningSettings(),
        seed=seed,
    )
    return Trained(scorers=_scorers(name, one, tuned.encoder, tuned.head), unseen=one.platform.weighting_users)


def source_encoder(one: OpenPlatform, preset: str, seed: int) -> Pretrained:
    """What the source platform pretrains."""
    return pretrain(one.platform, one.catalogue.features, one.space, preset, PRETRAINING, seed)


def _scorers(name: str, one: OpenPlatform, encoder: Encoder, head: SequenceHead | None) -> tuple[Scorer, ...]:
    return encoder_scorers(name, encoder, one.catalogue.features, head)
