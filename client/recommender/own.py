"""A platform's own encoder: what it can train without anybody else."""

from client.data.platform import Platform
from client.recommender.cross_fitting import Catalogue, Trained
from client.scorers.encoder_scorers import encoder_scorers
from client.training.loop import TrainingSettings
from client.training.pretraining import pretrain
from shared.feature_space.spec import FeatureSpace

OWN = TrainingSettings(epochs=20, patience=3, steps=48)
"""Bounded steps let a platform with long histories stop within a pass over them."""


def own_part(platform: Platform, catalogue: Catalogue, space: FeatureSpace, preset: str, seed: int) -> Trained | None:
    """Its scorers ``own:...`` with their head; None where there are too few users to train one."""
    if not platform.contributes:
        return None
    own = pretrain(platform, catalogue.features, space, preset, OWN, seed)
    scorers = encoder_scorers("own", own.encoder, catalogue.features, own.head)
    return Trained(scorers=scorers, unseen=platform.weighting_users)
