"""A small world for tests: items in rings of topics, users who walk around one ring."""

import numpy as np

from client.data.sequences import Sequences
from shared.encoder.encoder import EncoderSpec
from shared.feature_space import FeatureSpace

SPACE = FeatureSpace(name="test", parameters=(), dim=8, fingerprint="test")
SPEC = EncoderSpec(preset="tiny", input_dim=8, feature_space=SPACE)
N_ITEMS = 24


def features(n_items=N_ITEMS, seed=0):
    """[n, 8] vectors of length 1."""
    values = np.random.default_rng(seed).normal(size=(n_items, 8))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def ragged(lists):
    """Sequences from lists of item rows."""
    offsets = np.concatenate([[0], np.cumsum([len(items) for items in lists])]).astype(np.int64)
    items = [item for items in lists for item in items]
    return Sequences(offsets=offsets, items=np.array(items, np.int32))


def walks(users=60, n_items=N_ITEMS, seed=0):
    """Every user starts somewhere and goes on to the next item, so that the next item can be learnt."""
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(0, n_items, users), rng.integers(3, 9, users)
    return ragged([(start + np.arange(length)) % n_items for start, length in zip(starts, lengths, strict=True)])
