"""A small release, made in memory."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.encoder.linear import LinearMap
from shared.feature_space import FeatureSpace
from shared.releases.manifest import Manifest, PrivacyStatement, RoundSummary
from shared.releases.probes import probes_of

SPACE = FeatureSpace(name="hashing", parameters=(("dim", 6), ("seed", 1)), dim=6, fingerprint="abc")
SPEC = EncoderSpec(preset="tiny", input_dim=6, feature_space=SPACE)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def learnt_encoder(seed: int = 0) -> Encoder:
    """One of which both parts were learnt."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(6, 6)).astype(np.float32)
    zero = np.zeros(6, np.float32)
    return Encoder.initial(SPEC, seed).with_linear(LinearMap(W=matrix, mean_q=zero, mean_y=zero))


def write_encoder(path: Path, seed: int = 0) -> Encoder:
    """The same in a file."""
    encoder = learnt_encoder(seed)
    save_encoder(path, encoder, EncoderCard(licence="CC-BY-4.0"))
    return encoder


def manifest_of(path: Path, encoder: Encoder, **changes: object) -> Manifest:
    """Of an encoder's file."""
    content = path.read_bytes()
    manifest = Manifest(
        version=3,
        parent=2,
        rolls_back_to=None,
        created=NOW,
        expires=NOW + timedelta(days=90),
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        feature_space=encoder.spec.feature_space,
        preset=encoder.spec.preset,
        linear=encoder.spec.linear,
        layout=encoder.spec.layout().hash,
        item_moments={},
        probes=probes_of(encoder),
        rounds=(RoundSummary(run=1, question="evaluate", round=2, platforms=3, declined=1, level=0.125),),
        privacy=PrivacyStatement(mechanism="gaussian", epsilon=8.0, delta=1e-6, spent=2.5, ledgers=3),
        accepted=3,
        declined=1,
        despite="",
        licence="CC-BY-4.0",
    )
    return replace(manifest, **changes)  # type: ignore[arg-type]
