"""What each user has spent of the promise that the platform made: a number a user, and the ledger of releases.

A user spends 1/σ² in a release to which they give one vector of length 1 under noise of spread σ; what they spend adds
up (shared/privacy/gaussian.py). Who has not enough left gives nothing, so no budget is ever broken, and who gives
nothing to a release spends nothing in it (individual accounting; Feldman and Zrnic 2021).

Users go by digests of their ids. K users who have spent something.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from client.store.head_store import StoredRecord
from shared.errors import PrivacyError
from shared.privacy.ledger import JOINED, Ledger, Release

USERS, SPENT = "users", "spent"
_SLACK = 1e-9
"""of a budget, for sums of floats"""
Digests = NDArray[np.uint64]
Float64 = NDArray[np.float64]


def digests_of(ids: Sequence[str]) -> Digests:
    """[U] what stands for users in an account."""
    digests = [hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8).digest() for user_id in ids]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _nobody() -> Digests:
    return np.zeros(0, np.uint64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Account:
    """See the module."""

    users: Digests = field(default_factory=_nobody)
    """[K] sorted"""
    spent: Float64 = field(default_factory=lambda: np.zeros(0))
    """[K] Σ 1/σ² of each"""
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def most(self) -> float:
        """What the user who has spent most has spent."""
        return float(self.spent.max(initial=0.0))

    def spent_by(self, users: Digests) -> Float64:
        """What users have spent.

        Args:
            users: [U] digests.

        Returns:
            [U] Σ 1/σ² of each; 0 for who is not known.
        """
        if not len(self.users):
            return np.zeros(len(users))
        places = np.searchsorted(self.users, users).clip(max=len(self.users) - 1)
        return np.where(self.users[places] == users, self.spent[places], 0.0)

    def able(self, users: Digests, cost: float, budget: float) -> NDArray[np.bool_]:
        """Who can spend a cost without breaking the budget.

        Args:
            users: [U] digests.
            cost: 1/σ² of a release under noise of spread σ.
            budget: Σ 1/σ² that each user may spend in all.

        Returns:
            [U] true for those who can.
        """
        return self.spent_by(users) + cost <= budget * (1 + _SLACK)

    def charged(self, users: Digests, cost: float, release: Release) -> "Account":
        """The account after a release to which some users gave.

        Args:
            users: digests of those who gave.
            cost: 1/σ² that each of them spends.
            release: what the ledger gets an entry of.

        Returns:
            a new account; this one stays as it is.
        """
        known = np.union1d(self.users, users)
        spent = self.spent_by(known) + cost * np.isin(known, users)
        most = float(spent.max(initial=0.0))
        return Account(users=known, spent=spent, ledger=self.ledger.with_release(release, most))

    def joined(self, other: "Account", now: str) -> "Account":
        """Two accounts of the same users, neither of which may be forgotten.

        Where one goes on from the other, it is the newer one. Where they have parted, each user has spent both, and the
        ledger says so in an entry of its own.

        Args:
            other: the second account.
            now: time of that entry, as a text.

        Returns:
            one account of all users of both.
        """
        known = np.union1d(self.users, other.users)
        for newer, older in ((self, other), (other, self)):
            if newer.ledger.goes_on_from(older.ledger):
                spent = np.maximum(newer.spent_by(known), older.spent_by(known))
                return Account(users=known, spent=spent, ledger=newer.ledger)
        both = self.spent_by(known) + other.spent_by(known)
        longer = max(self.ledger, other.ledger, key=lambda ledger: len(ledger.entries))
        met = Release(time=now, released=JOINED, noise=0.0, delta=longer.entries[-1].delta)
        return Account(users=known, spent=both, ledger=longer.with_release(met, float(both.max())))

    def to_stored(self) -> StoredRecord:
        """As a record."""
        return StoredRecord(
            arrays={USERS: self.users, SPENT: self.spent}, facts={"ledger": json.dumps(self.ledger.to_json())}
        )

    @classmethod
    def from_stored(cls, stored: StoredRecord) -> "Account":
        """The inverse of ``to_stored``; raises PrivacyError where it is none."""
        try:
            ledger = Ledger.from_json(json.loads(stored.facts["ledger"]))
            return cls(users=stored.arrays[USERS], spent=stored.arrays[SPENT], ledger=ledger)
        except (KeyError, ValueError, TypeError) as error:
            raise PrivacyError("the privacy account cannot be read") from error
