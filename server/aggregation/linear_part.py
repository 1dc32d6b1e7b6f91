"""The linear part of a run: from all moments that the server holds, each platform's no more than its class allows."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from server.aggregation.inner_products import InnerProducts
from server.aggregation.robust_sum import CROSS_MOMENTS, RULES, Shares
from server.aggregation.size_classes import SizeClasses
from server.aggregation.weighting import centred
from shared.encoder.linear import LinearMap, Moments, solve_all, usual_ridge
from shared.errors import InputError
from shared.federation.config import RoundsConfig

Float64 = NDArray[np.float64]


def linear_part(
    moments: Mapping[str, Moments], weights: Mapping[str, float], classes: SizeClasses, config: RoundsConfig
) -> tuple[LinearMap, Shares]:
    """The map of the platforms whose weight is above 0, and how much of each entered it.

    A platform that is left out leaves no trace: the map is that of the others.

    Args:
        moments: by platform, its sums over pairs of history and next item.
        weights: by platform, how much of its class counts; one whose weight is 0 is left out. All platforms of
            ``moments`` are in it.
        classes: users by platform, as they are registered.
        config: of the run; its ``ridge`` and its ``robust`` rule are used.

    Returns:
        The linear map, and the shares by platform, from 0 to 1, of those whose weight is above 0.

    Raises:
        InputError: if there are no moments, or none that can be solved.
    """
    present = {name: platform_moments for name, platform_moments in moments.items() if weights[name] > 0}
    counted = classes.counted(present)
    sizes = {name: weights[name] * size for name, size in classes.of(present).items()}
    crosses = whitened(counted, config.ridge)
    products = InnerProducts.between(crosses, lambda platform, other: float(np.vdot(crosses[platform], crosses[other])))
    shares = RULES[config.robust](products, sizes, CROSS_MOMENTS)
    entering_moments = classes.counted(
        {name: platform_moments for name, platform_moments in present.items() if shares.of[name] > 0}
    )
    entering = {name: weights[name] * shares.of[name] for name in entering_moments}
    return solve_all(entering_moments, ridge=config.ridge, weights=entering), shares


def whitened(moments: Mapping[str, Moments], ridge: float) -> dict[str, Float64]:
    """Each platform's centred cross moment as the map of all sees it, L⁻¹ B R⁻ᵀ.

    L Lᵀ and R Rᵀ are the second moments of histories and of next items of all platforms together, with the ridge of
    the linear part. The inner product of two is then how far the one's map, tr(Wᵀ B), lifts the other's next items.

    Args:
        moments: by platform, its sums over pairs of history and next item, in D dimensions.
        ridge: a multiple of the mean eigenvalue, which is added to the diagonal; 0 stands for ``usual_ridge``.

    Returns:
        [D²] by platform; empty without moments.

    Raises:
        InputError: if the moments are not those of any data.
    """
    if not moments:
        return {}
    total = sum(moments.values(), Moments.zero(next(iter(moments.values())).dim))
    histories, _cross, items = centred(total)
    left, right = (_root(square, ridge or usual_ridge(total.n)) for square in (histories, items))
    crosses = {}
    for name, platform_moments in moments.items():
        half = solve_triangular(left, centred(platform_moments)[1], lower=True)
        crosses[name] = np.asarray(solve_triangular(right, half.T, lower=True).reshape(-1), np.float64)
    return crosses


def _root(square: Float64, ridge: float) -> Float64:
    """The lower Cholesky factor of square + λI."""
    dim = len(square)
    try:
        return np.asarray(cholesky(square + ridge * np.trace(square) / dim * np.eye(dim), lower=True), np.float64)
    except (LinAlgError, ValueError) as error:
        raise InputError("moments must be sums over real pairs; these are not positive definite") from error
