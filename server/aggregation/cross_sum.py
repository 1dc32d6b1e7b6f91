"""The platforms' cross moments under noise, as one that the encoder carries; T = D (D + 1) / 2."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cross import CatalogueMoments, released_cross
from shared.federation.messages import CrossReply
from shared.privacy.gaussian import noise_of_sum
from shared.privacy.grid import middles


def summed_cross(replies: Mapping[str, CrossReply], public: CatalogueMoments) -> NDArray[np.float32]:
    """[T] of length 1; raises InputError where nothing but noise is in the sum."""
    total = sum((middles(replies[name].cells, replies[name].noise) for name in sorted(replies)), np.zeros(1))
    return released_cross(total, noise_of_sum(reply.noise for reply in replies.values()), public)
