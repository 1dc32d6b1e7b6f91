"""The promise to each user: ε at δ of user-level differential privacy, for adding or removing all that is theirs."""

from dataclasses import dataclass
from typing import Literal, get_args

from shared.privacy.gaussian import MOST_EPSILON, noise_for, weight_of
from shared.system.options import Checked, option

Privacy = Literal["plain", "masked", "masked-private", "private"]
MODES = get_args(Privacy)
"""from open to strict"""
NOISED = frozenset[Privacy]({"masked-private", "private"})
"""in which what leaves bears noise: each answer of its own, or their sum"""
MOST_COLLUDING = 1_000


@dataclass(frozen=True, kw_only=True)
class Promise(Checked):
    """Raises ConfigError where a value makes no sense."""

    epsilon: float = option(
        8.0,
        above=0,
        most=MOST_EPSILON,
        help="ε of the promise to each user where answers bear noise: smaller is stricter.",
        see="privacy.md",
    )
    delta: float = option(1e-6, above=0, below=1e-3, help="δ of that promise; well below one over the number of users.")

    @property
    def noise(self) -> float:
        """Spread of the noise of one release that spends all of it, as a multiple of what one user can move."""
        return noise_for(self.epsilon, self.delta)

    @property
    def budget(self) -> float:
        """What a user can spend: Σ 1/σ² over releases."""
        return weight_of(self.noise)


@dataclass(frozen=True, kw_only=True)
class Colluding(Checked):
    """Against whom noise in a sum is to hold; raises ConfigError where a value makes no sense."""

    colluding_platforms: int = option(
        1,
        least=0,
        most=MOST_COLLUDING,
        flag="",
        help="Platforms whose share of a sum's noise may be known to who reads the sum: the others' shares alone keep "
        "the promise. Each platform knows its own share, so below 1 it does not hold against another platform.",
        see="decisions/0053-one-noise-for-the-sum.md",
    )


LEAST_DEVICES = 100
"""devices of a sum at the least, where a device's user says nothing else"""


@dataclass(frozen=True, kw_only=True)
class LeastParties(Checked):
    """How many platforms a secure sum is of; raises ConfigError where a value makes no sense."""

    least_parties: int = option(
        3,
        least=2,
        flag="",
        help="Platforms of a secure sum at the least, and by how many two sums without noise must differ: of a site "
        "policy, in which it takes part; of a run, for which it asks, where a platform's policy says more than 3.",
        see="decisions/0051-who-sums-with-whom.md",
    )


class HasMode:
    """What has a mode, by an option of its own."""

    privacy: Privacy

    @property
    def is_private(self) -> bool:
        """Whether what leaves bears noise: each answer of its own, or their sum."""
        return self.privacy in NOISED

    @property
    def is_masked(self) -> bool:
        """Whether what leaves is summed under masks; without noise these hide who sent what, and no more."""
        return self.privacy in ("masked", "masked-private")


@dataclass(frozen=True, kw_only=True)
class RequestedPromise(HasMode, Promise):
    """What somebody asks for who lets something leave themselves."""

    privacy: Privacy = option(
        "plain",
        choices=("plain", "private"),
        help="plain, or private: what leaves a platform bears the noise that keeps the promise to each user, and is "
        "the linear part alone.",
        see="privacy.md",
    )
