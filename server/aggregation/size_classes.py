"""What each platform may weigh: its size class, which the coordinator's register holds, whatever a reply says."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from shared.encoder.linear import Moments
from shared.errors import ConfigError
from shared.federation.pair_buckets import bucket_of, middle_of


@dataclass(frozen=True)
class SizeClasses:
    """Users by platform, each a power of two, as the operator registered them."""

    users: Mapping[str, float] = field(default_factory=dict)

    def of(self, platforms: Iterable[str]) -> dict[str, float]:
        """Users of each of these platforms.

        A platform without a class counts as the smallest that is registered, and all count as 1 where none is.
        """
        least = min(self.users.values(), default=1)
        return {name: float(self.users.get(name, least)) for name in platforms}

    def to_text(self) -> str:
        """One value of a run config, the inverse of ``from_text``."""
        return json.dumps(dict(self.users), sort_keys=True) if self.users else ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Size classes from one value of a run config, the inverse of ``to_text``.

        Args:
            text: a JSON object of platforms and users; empty where no platform has a class.

        Returns:
            The size classes.

        Raises:
            ConfigError: if the text does not give each platform a number of users above 0.
        """
        try:
            classes = json.loads(text or "{}")
        except ValueError as error:
            raise ConfigError(f"classes must be a JSON object of platforms and users; got {text[:40]!r}") from error
        wrong = not isinstance(classes, dict) or any(type(users) is not int or users < 1 for users in classes.values())
        if wrong:
            raise ConfigError(f"classes must be a JSON object of platforms and users; got {text[:40]!r}")
        return cls(classes)

    def counted(self, moments: Mapping[str, Moments]) -> dict[str, Moments]:
        """Moments as if each platform had as many pairs as its class stands for.

        A platform's own number of pairs weighs nothing: its sums are brought to means, and then count its class times
        the median over platforms of the pairs that they say a user of their class has, each brought to a bucket so
        that a sum can tell it as well. That median also sets the usual ridge.
        """
        if not moments:
            return {}
        sizes = self.of(moments)
        ratios = [middle_of(bucket_of(platform_moments.n / sizes[name])) for name, platform_moments in moments.items()]
        pairs = float(np.median(ratios))
        return {
            name: platform_moments.scaled(pairs * sizes[name] / platform_moments.n)
            for name, platform_moments in moments.items()
        }


NO_CLASSES = SizeClasses()
"""where no platform has one"""
