"""Randomness derived from names: the same (seed, names) gives the same draws on every machine.

No global generator is used anywhere, so the order in which platforms run cannot change a result.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_for(seed: int, *names: str | int) -> int:
    """A 63-bit seed for one purpose, for example ``seed_for(0, "shop", 3, "local-round")``."""
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little") >> 1


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for one purpose."""
    return np.random.default_rng(seed_for(seed, *names))


def torch_generator_for(seed: int, *names: str | int) -> "torch.Generator":
    """A torch CPU generator for one purpose."""
    import torch  # seconds, for which no command that draws nothing with it shall wait

    generator = torch.Generator()
    generator.manual_seed(seed_for(seed, *names))
    return generator
