"""A sum is opened: secrets are put together from shares, and the masks that did not cancel out are taken off."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.errors import SumFailed, WireError
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.masks import add_pair_mask, self_mask
from shared.secure_sum.own_secrets import commitment
from shared.secure_sum.ring import Elements
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.setup import Setup
from shared.secure_sum.shamir import Recovery
from shared.secure_sum.streams import private_key, public_half
from shared.secure_sum.sum_messages import OwnerShares, Plan, Shares

Take = Callable[[OwnerShares], bytes]


@dataclass(eq=False)
class Opening:
    """One sum whose shares are there."""

    setup: Setup
    plan: Plan
    fixed: FixedPoint
    survivors: tuple[int, ...]
    shares: Mapping[int, Shares]
    """by who gave them"""
    beside: set[int] = field(default_factory=set)
    """numbers of parties whose shares did not fit"""

    def __post_init__(self) -> None:
        self._recovery = Recovery(self.setup.degree.threshold)

    def result(self, total: Elements) -> SumResult:
        """The sum.

        Args:
            total: [P] the sum of the survivors' masked vectors.

        Returns:
            The sum without masks, with the noise that is to be in it.

        Raises:
            SumFailed: if a secret cannot be put together.
        """
        secrets = {owner: self._secret_of(owner) for owner in self.plan.members}
        surplus = self._surplus_seeds()  # first all secrets, then the first mask: a failed sum opens nothing
        left = total.copy()
        for owner, secret in secrets.items():
            if owner in self.survivors:
                left -= self_mask(self.fixed.ring, self.plan, secret)
            else:
                self._take_off_pairs(left, owner, secret)
        cells = self.fixed.ring.signed(left)
        for seed in surplus:
            cells -= self._surplus(seed)
        return SumResult(
            terms=self.plan.terms,
            cells=cells,
            values=self.fixed.values(cells),
            survivors=tuple(self.setup.member(number).party for number in self.survivors),
            noise_variance=self._noise_variance(),
            beside=tuple(self.setup.member(number).party for number in sorted(self.beside)),
        )

    @property
    def _missing(self) -> int:
        return len(self.setup.request.roster) - len(self.survivors)

    def _secret_of(self, owner: int) -> bytes:
        keys = self.setup.book.adverts[owner].sums[self.plan.number]
        if owner in self.survivors:
            return self._recovered(owner, lambda shares: shares.self_mask, _commits(keys.commitments[0]))
        return self._recovered(owner, lambda shares: shares.mask, lambda secret: public_half(secret) == keys.mask)

    def _surplus_seeds(self) -> list[bytes]:
        noise = self.fixed.noise
        place = noise.level(self._missing) + 1 if noise is not None else self.setup.request.secrets
        if place + 1 >= self.setup.request.secrets:
            return []
        adverts, number = self.setup.book.adverts, self.plan.number
        return [
            self._recovered(
                owner,
                lambda shares: shares.surplus,
                _commits(adverts[owner].sums[number].commitments[place]),
            )
            for owner in self.survivors
        ]

    def _surplus(self, seed: bytes) -> NDArray[np.int64]:
        if self.fixed.noise is None:
            raise SumFailed("expected noise in a sum whose surplus was opened; found none")
        return self.fixed.noise.surplus(self.plan.terms.length, seed, self._missing)

    def _recovered(self, owner: int, take: Take, is_right: Callable[[bytes], bool]) -> bytes:
        by_holder = {
            holder: holder_shares.owners[owner]
            for holder, holder_shares in self.shares.items()
            if owner in holder_shares.owners
        }
        shares = {holder + 1: take(owner_shares) for holder, owner_shares in by_holder.items() if take(owner_shares)}
        try:
            secret, beside = self._recovery.secret(shares, is_right)
        except WireError as error:
            raise SumFailed(f"a sum cannot be opened: of {self.setup.member(owner).party}, {error}") from error
        self.beside |= {holder - 1 for holder in beside}
        return secret

    def _take_off_pairs(self, left: Elements, owner: int, secret: bytes) -> None:
        """What its neighbours added for a party that dropped: it adds what it would have added itself."""
        private = private_key(secret)
        for other in self.setup.neighbours[owner]:
            if other in self.survivors:
                add_pair_mask(left, self.fixed.ring, self.plan, self.setup, (owner, other), private)

    def _noise_variance(self) -> float:
        if self.fixed.noise is None:
            return 0.0
        cells = len(self.survivors) * self.fixed.noise.left(self._missing)
        return float(np.ldexp(cells, 2 * self.plan.terms.exponent))


def _commits(expected: bytes) -> Callable[[bytes], bool]:
    return lambda secret: commitment(secret) == expected
