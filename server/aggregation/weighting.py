"""How much each platform's update counts in a round, and whom each platform helps.

Help is measured by the moments that the server holds anyway: no round, no event, no model of anybody.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from server.aggregation.size_classes import SizeClasses
from shared.encoder.linear import Moments, solve
from shared.federation.config import RoundsConfig

Float64 = NDArray[np.float64]

ONE_DOMAIN, UNRELATED = 0.5, 0.1
"""Of the most mutual help that a platform has with the others: from where on it counts whole, and where not at all."""


def similarity(moments: Mapping[str, Moments], *, ridge: float = 0.0) -> dict[str, dict[str, float]]:
    """How far each platform's linear map lifts each other platform's next items over chance.

    In standard deviations of the map's scores over pairs of a history and an item that have nothing to do with each
    other: tr(Wᵀ B) / √tr(Wᵀ A W C) with W solved from the helper's moments alone and A, B, C the helped platform's
    centred second moments. Nobody helps themselves.

    Args:
        moments: by platform, its sums over pairs of history and next item.
        ridge: of the linear maps, a multiple of the mean eigenvalue; 0 stands for ``usual_ridge``.

    Returns:
        Helper to helped to lift, in standard deviations.

    Raises:
        InputError: if moments cannot be solved.
    """
    covariances = {name: centred(platform_moments) for name, platform_moments in moments.items()}
    lifts: dict[str, dict[str, float]] = {}
    for helper, helper_moments in moments.items():
        weight = solve(helper_moments, ridge).W.astype(np.float64)
        lifts[helper] = {name: _lift(weight, *covariances[name]) for name in moments if name != helper}
    return lifts


def similarity_weights(moments: Mapping[str, Moments], *, ridge: float = 0.0) -> dict[str, float]:
    """How much each platform is of one domain with the others, from 0 to 1, by its mean mutual help.

    Two platforms help each other as much as the less helpful of the two does, and never less than 0: who gives and
    gains nothing is unrelated, however many pairs they have. At least half of the most is 1, at most a tenth of it 0,
    in between in proportion; so unrelated platforms leave no trace at all, and those of one domain count alike.

    Args:
        moments: by platform, its sums over pairs of history and next item.
        ridge: of the linear maps, a multiple of the mean eigenvalue; 0 stands for ``usual_ridge``.

    Returns:
        Weight by platform, from 0 to 1; 1 for all where nobody helps anybody.

    Raises:
        InputError: if moments cannot be solved.
    """
    helped = similarity(moments, ridge=ridge)
    means = {
        name: sum(max(min(there, helped[other][name]), 0.0) for other, there in row.items()) / max(len(row), 1)
        for name, row in helped.items()
    }
    most = max(means.values(), default=0.0)
    if most == 0:
        return dict.fromkeys(means, 1.0)
    span = ONE_DOMAIN - UNRELATED
    return {name: min(max((value / most - UNRELATED) / span, 0.0), 1.0) for name, value in means.items()}


def centred(moments: Moments) -> tuple[Float64, Float64, Float64]:
    """Second moments about the means: of histories, across, of next items; all [D, D]."""
    mean_q, mean_y = moments.sum_q / moments.n, moments.sum_y / moments.n
    return (
        moments.A / moments.n - np.outer(mean_q, mean_q),
        moments.B / moments.n - np.outer(mean_q, mean_y),
        moments.C / moments.n - np.outer(mean_y, mean_y),
    )


def _lift(weight: Float64, queries: Float64, cross: Float64, items: Float64) -> float:
    variance = float(np.sum((weight.T @ queries) * (items @ weight.T)))
    return float(np.sum(weight * cross)) / np.sqrt(variance) if variance > 0 else 0.0


class Weighting:
    """The weights of a run's updates and moments; they need not sum to 1."""

    def __init__(self, config: RoundsConfig, classes: SizeClasses) -> None:
        self._kind, self._ridge, self._classes = config.weighting, config.ridge, classes
        self._measured: Mapping[str, Moments] = {}
        self._by_similarity: dict[str, float] = {}

    def of(self, platforms: Iterable[str], moments: Mapping[str, Moments]) -> dict[str, float]:
        """Weights by platform, from its size class or from all moments that the server holds.

        Args:
            platforms: names of those whose weights are wanted.
            moments: by platform, all moments that the server holds; they count under ``similarity`` alone.

        Returns:
            Weight by platform: the square root of its users under ``sqrt-users``; from 0 to 1 under ``similarity``,
            where a platform without moments counts as much as the others do on average; 1 under any other, and for
            all where ``similarity`` has no moments.

        Raises:
            InputError: if moments cannot be solved.
        """
        names = list(platforms)
        if self._kind == "sqrt-users":
            return {name: math.sqrt(users) for name, users in self._classes.of(names).items()}
        if self._kind == "similarity" and moments:
            by_similarity = self.of_moments(moments)
            mean = sum(by_similarity.values()) / len(by_similarity)
            return {name: by_similarity.get(name, mean) for name in names}
        return dict.fromkeys(names, 1.0)

    def of_moments(self, moments: Mapping[str, Moments]) -> dict[str, float]:
        """By platform, how much of its class counts in the linear part: all of it, but under ``similarity``.

        Raises InputError where moments cannot be solved.
        """
        if self._kind != "similarity":
            return dict.fromkeys(moments, 1.0)
        if moments is not self._measured:
            self._measured, self._by_similarity = (
                moments,
                similarity_weights(self._classes.counted(moments), ridge=self._ridge),
            )
        return self._by_similarity
