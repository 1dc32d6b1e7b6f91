"""The platforms' cross moments under noise, as one that the encoder carries; T = D (D + 1) / 2."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from server.aggregation.inner_products import InnerProducts
from server.aggregation.robust_sum import NOISED, RULES, Shares
from server.aggregation.size_classes import SizeClasses
from shared.encoder.cross import CatalogueMoments, released_cross
from shared.errors import InputError
from shared.federation.config import Robust
from shared.federation.messages import CrossReply
from shared.privacy.gaussian import noise_of_sum
from shared.privacy.grid import middles


def summed_cross(
    replies: Mapping[str, CrossReply], public: CatalogueMoments, classes: SizeClasses, robust: Robust
) -> tuple[NDArray[np.float32], Shares]:
    """The sum of the platforms' cross moments under noise, and how much of each platform's entered it.

    Each user gives a matrix of length 1, so a platform's own is about as long as it has users: for the robust rule it
    is brought to the size of one of its class.

    Args:
        replies: by platform, its cross moment [T] in cells of a grid, and the spread of the noise in it.
        public: moments of the catalogue by which cross moments were whitened; the sum is coloured by them again.
        classes: users by platform, as they are registered.
        robust: name of the robust rule that says how much of each platform's may enter.

    Returns:
        The cross moment [T] of length 1, and the shares by platform, from 0 to 1.

    Raises:
        InputError: if no platform's cross moment may enter the sum, or nothing but noise is in it.
    """
    totals = {name: middles(reply.cells, reply.noise) for name, reply in sorted(replies.items())}
    sizes = classes.of(totals)
    products = InnerProducts.between(
        totals, lambda platform, other: _product(platform, other, totals, replies) / (sizes[platform] * sizes[other])
    )
    shares = RULES[robust](products, sizes, NOISED)
    entering = {name: share for name, share in shares.of.items() if share > 0}
    if not entering:
        raise InputError("no platform's cross moment may enter the sum")
    total = np.sum([share * totals[name] for name, share in entering.items()], axis=0)
    noise = noise_of_sum(share * replies[name].noise for name, share in entering.items())
    return released_cross(total, noise, public), shares


def _product(
    platform: str, other: str, totals: Mapping[str, NDArray[np.float64]], replies: Mapping[str, CrossReply]
) -> float:
    """The inner product of two platforms' sums, without what the noise of one adds to that with itself."""
    product = float(totals[platform] @ totals[other])
    return max(product - len(totals[platform]) * replies[platform].noise ** 2, 0.0) if platform == other else product
