"""How much each platform's update counts in a round."""

import math
from collections.abc import Mapping

from server.aggregation.helpfulness import helpful_weights
from shared.encoder.linear import Moments
from shared.federation.config import RoundsConfig


class Weighting:
    """The weights of a run's updates and moments; they need not sum to 1."""

    def __init__(self, config: RoundsConfig) -> None:
        self._kind, self._ridge = config.weighting, config.ridge
        self._measured: Mapping[str, Moments] = {}
        self._helpful: dict[str, float] = {}

    def of(self, users: Mapping[str, int], moments: Mapping[str, Moments]) -> dict[str, float]:
        """By platform, from training users (rounded to a power of two) or from all moments that the server holds.

        Under ``helpfulness`` a platform without moments counts as much as the others do on average.
        """
        if self._kind == "sqrt-users":
            return {name: math.sqrt(max(count, 1)) for name, count in users.items()}
        if self._kind == "helpfulness" and moments:
            helpful = self.of_moments(moments)
            mean = sum(helpful.values()) / len(helpful)
            return {name: helpful.get(name, mean) for name in users}
        return dict.fromkeys(users, 1.0)

    def of_moments(self, moments: Mapping[str, Moments]) -> dict[str, float]:
        """By platform, how often each of its pairs counts in the linear part: once, but under ``helpfulness``.

        Raises InputError where moments cannot be solved.
        """
        if self._kind != "helpfulness":
            return dict.fromkeys(moments, 1.0)
        if moments is not self._measured:
            self._measured, self._helpful = moments, helpful_weights(moments, ridge=self._ridge)
        return self._helpful
