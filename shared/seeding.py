"""Randomness derived from names: the same (seed, names) gives the same draws on every machine.

No global generator is used anywhere, so the order in which platforms run cannot change a result.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_for(seed: int, *names: str | int) -> int:
    """A 63-bit seed for one purpose, for example ``seed_for(0, "shop", 3, "local-round")``.

    Args:
        seed: the seed of the whole run.
        *names: words and numbers that name the purpose; their order counts.

    Returns:
        The seed, from 0 to 2^63 - 1; the same for the same seed and names.
    """
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little") >> 1


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for one purpose.

    Args:
        seed: the seed of the whole run.
        *names: words and numbers that name the purpose; their order counts.

    Returns:
        A new generator, seeded with ``seed_for``.
    """
    return np.random.default_rng(seed_for(seed, *names))


def torch_generator_for(seed: int, *names: str | int) -> "torch.Generator":
    """A torch CPU generator for one purpose.

    Args:
        seed: the seed of the whole run.
        *names: words and numbers that name the purpose; their order counts.

    Returns:
        A new generator, seeded with ``seed_for``.
    """
    import torch  # seconds, for which no command that draws nothing with it shall wait

    generator = torch.Generator()
    generator.manual_seed(seed_for(seed, *names))
    return generator
