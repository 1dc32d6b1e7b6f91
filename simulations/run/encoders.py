"""The encoders that a run compares, each trained once for all platforms that use it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from client.data.platform import merged
from client.features.prepared_platform import PreparedPlatform
from client.training.pretraining import PRETRAINING, pretrain
from shared.encoder.encoder import Encoder

POOLED = replace(PRETRAINING, epochs=12, steps=100)
"""As many steps as eight passes over 300,000 events; an epoch is a part of them, so that it may stop within a pass."""


def source_encoder(sources: Sequence[PreparedPlatform], preset: str, seed: int) -> Encoder:
    """What one source platform pretrains, or several in one place."""
    if len(sources) > 1:
        return pooled_encoder(sources, preset, seed)
    one = sources[0]
    return pretrain(one.platform, one.features, one.space, preset, PRETRAINING, seed).encoder


def pooled_encoder(platforms: Sequence[PreparedPlatform], preset: str, seed: int) -> Encoder:
    """An encoder trained on all platforms' contributing users in one place."""
    everything = merged([one.platform for one in platforms])
    features = np.concatenate([one.features for one in platforms])
    space = platforms[0].space
    return pretrain(
        everything.platform, features, space, preset, POOLED, seed, stopping_users=everything.stopping_users
    ).encoder
