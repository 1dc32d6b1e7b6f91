"""What a platform trains without anybody else: an encoder of its own, and a model of ids only beside it."""

from client.data.platform import Platform
from client.data.splits import training_sequences
from client.recommender.cross_fitting import Catalogue, Trained
from client.scorers.encoder_scorers import KeptEncoder, Named
from client.scorers.sequence import Sequence
from client.training.local_id import tune_local_id, usual_settings
from client.training.loop import TrainingSettings
from client.training.pretraining import pretrain, stopping_set
from shared.feature_space.spec import FeatureSpace

PART = "own"
OWN = TrainingSettings(epochs=20, patience=3, steps=48)
"""Bounded steps let a platform with long histories stop within a pass over them."""


def own_part(platform: Platform, catalogue: Catalogue, space: FeatureSpace, preset: str, seed: int) -> Trained | None:
    """Its scorers ``own:...`` with their head, and ``own-ids:sequence``; None where too few users can train them.

    Ids only is a scorer of its own, not a case of the encoder: trained with content they lean on it, and where content
    says little they learn less (docs/decisions/0003).
    """
    if not platform.contributes:
        return None
    own = pretrain(platform, catalogue.features, space, preset, OWN, seed)
    sequences = training_sequences(platform, platform.contributing_users)
    grid = (usual_settings(len(sequences.items)),)
    ids, _log, _settings = tune_local_id(sequences, platform.n_items, stopping_set(platform), seed=seed, grid=grid)
    kept = KeptEncoder(encoder=own.encoder, head=own.head)
    scorers = (*kept.scorers(PART, catalogue.features), Named("own-ids", Sequence(ids)))
    return Trained(scorers=scorers, unseen=platform.weighting_users, kept=kept)
