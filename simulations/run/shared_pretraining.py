"""Encoders that several runs begin with: what is pretrained on the same users and vectors is kept once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from client.features.prepared_platform import PreparedPlatform
from simulations.results.result_document import versions
from simulations.run.kept_encoders import KeptEncoders, Made
from simulations.run.run_identity import code_digest


def pretrained_once(
    folder: Path | None, sources: Sequence[PreparedPlatform], preset: str, seed: int, make: Callable[[], Made]
) -> Made:
    """The source's encoder from the folder, or what ``make`` gives, kept there; without a folder, what it gives."""
    if folder is None:
        return make()
    return KeptEncoders(folder).encoder(pretraining_key(sources, preset, seed), make)


def pretraining_key(sources: Sequence[PreparedPlatform], preset: str, seed: int) -> str:
    """A digest of all that an encoder pretrained on these platforms depends on, the code and its libraries too."""
    digest = hashlib.sha256(json.dumps([versions(), code_digest(), preset, seed]).encode("utf-8"))
    for one in sources:
        platform = one.platform
        words = (platform.name, platform.ordered, platform.repeats, one.space.fingerprint, platform.texts)
        digest.update(json.dumps(words).encode("utf-8"))
        users = (platform.training_users, platform.weighting_users)
        for array in (platform.sequences.offsets, platform.sequences.items, *users, one.features):
            digest.update(f"{array.dtype}{array.shape}".encode("ascii"))
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
