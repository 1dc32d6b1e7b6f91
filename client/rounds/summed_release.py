"""A platform's vector in a sum that bears the promise's noise once: of users who have not yet spent what it costs.

Its noise is a share of the sum's (shared/secure_sum/noise_parts.py). Users are charged before the masked vector leaves:
whoever holds enough shares can open it, whatever the platform hears of that, so a sum that fails has cost as much. The
charge is for the least noise that the terms leave in the sum. Where the platform helps to open it, it writes down how
much there really is: never less.

A sum that is asked for again has the same users, and charges none of them twice.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import select
from client.guard.sum_bounds import within_bounds
from client.privacy.account import Digests, digests_of
from client.privacy.accounts import Accounts, OpenAccount
from client.privacy.contributions import contributions
from client.privacy.estimate import pays
from client.rounds.device_vectors import trained_change
from client.rounds.joined_device import JoinedDevice
from client.rounds.private_evaluation import able_rows, user_digests
from client.rounds.round_tasks import received_encoder, validation_sample, values_of_both
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore, StoredRecord
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments
from shared.errors import BudgetBroken, NothingToSum, PrivacyError, SumRefused
from shared.feature_space import require_same
from shared.federation.config import EVALUATIONS
from shared.federation.messages import DeclineReason
from shared.federation.private_parts import NUMBERS, evaluation_numbers, private_length
from shared.federation.sum_messages import SumWork
from shared.privacy.gaussian import weight_of
from shared.privacy.ledger import CROSS_SUM, EVALUATION_SUM, OPENED, UPDATE_SUM, Release, now_text
from shared.secure_sum.noise_for_users import noise_left, user_noise
from shared.secure_sum.sum_messages import Plan

GIVEN = "sum-given"
"""Record of the last sum to which users gave."""
NOBODY: Digests = np.zeros(0, np.uint64)
_SLACK = 1e-9
"""of a spread of noise, for what rounding does to it"""
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """Who gave to which sum."""

    plan: str
    """hex digest of the sum's plan: which parties, terms and keys"""
    cross: Digests
    """[G] who gave to the cross moment, or the device's user to its update"""
    evaluation: Digests
    """[V] who gave to the evaluation"""
    releases: tuple[Release, ...]
    """what the account is to hold of it"""
    opened: bool = False
    """whether the platform has helped to open it"""

    def to_stored(self) -> StoredRecord:
        """As a record."""
        facts = {"plan": self.plan, "releases": [asdict(release) for release in self.releases], "opened": self.opened}
        return StoredRecord(arrays={"cross": self.cross, "evaluation": self.evaluation}, facts=facts)

    @classmethod
    def read(cls, heads: HeadStore) -> "Given | None":
        """What was given last."""
        stored = heads.read(GIVEN)
        if stored is None:
            return None
        facts: dict[str, Any] = dict(stored.facts)
        return cls(
            plan=facts["plan"],
            cross=stored.arrays["cross"],
            evaluation=stored.arrays["evaluation"],
            releases=tuple(Release(**release) for release in facts["releases"]),
            opened=facts["opened"],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SummedRelease:
    """One sum that this platform's users are asked to give to."""

    plan: Plan
    """of the sum"""
    work: SumWork
    """what its vectors are of"""
    seen: str = ""
    """seal of this platform's privacy ledger, as the coordinator saw it last; empty where it saw none"""

    def vector(self, workspace: Workspace) -> Float64:
        """The parts one after the other, without noise.

        Those who give have been charged when this returns. Numbers beyond the terms' bound are cut to it, which brings
        no two vectors further apart.

        Args:
            workspace: the platform.

        Returns:
            [P] numbers within the terms' bound.

        Raises:
            PrivacyError: if the coordinator has seen another ledger.
            FeatureSpaceMismatch: if the work is of another feature space.
            BudgetBroken: if the noise that the terms promise does not keep the promise to the users.
            SumRefused: if the terms hold against too few other platforms, or are not of what is asked.
            NothingToSum: if too few are able to give, or it does not pay.
        """
        require_same(self.work.encoder.spec.feature_space, workspace.space, where=workspace.name)
        self._require_kept(workspace)
        contribution = self._given(workspace)
        parts = []
        if self.work.settings is not None:
            parts.append(trained_change(self.work, _device(workspace)) / self.work.settings.clip_norm)
        if self.work.public is not None:
            parts.append(_cross_of(contribution, self.work.public, workspace))
        if "evaluate" in self.work.parts:
            parts.append(_evaluation_of(contribution, self.work, workspace))
        return within_bounds(np.concatenate(parts), 0.0, self.plan.terms.bound)

    @property
    def _noise(self) -> float:
        """Least spread in the sum, as a multiple of what one user moves it by."""
        return user_noise(self.plan.terms)

    def _require_kept(self, workspace: Workspace) -> None:
        terms, promise = self.plan.terms, workspace.promise
        if self._noise < promise.noise * (1 - _SLACK) or terms.noise is None:
            raise BudgetBroken(
                f"this platform promises its users ε {promise.epsilon:g}, which noise of {promise.noise:.4g} in a sum "
                f"keeps; the terms promise {self._noise:.4g}"
            )
        if terms.noise.colluding < workspace.colluding:
            expected = f"noise that holds against {workspace.colluding} other platforms"
            raise SumRefused(f"expected {expected}; found it to hold against {terms.noise.colluding}")
        if terms.length != (length := private_length(self.work)):
            raise SumRefused(f"expected terms of {length} numbers for what is asked; found {terms.length}")

    def _given(self, workspace: Workspace) -> Given:
        """Who gives, once the account has it: those of before where this very sum is asked for again."""
        with Accounts(workspace.machine, workspace.heads).changing() as book:
            if self.seen and not book.account.ledger.has_been(self.seen):
                raise PrivacyError(
                    "expected a privacy ledger that goes on from the one that the coordinator saw last; found another: "
                    "this platform was reset or restored from a copy, or runs twice"
                )
            before = Given.read(workspace.heads)
            if before is not None:
                _settle(before, book)
                if before.plan == self.plan.digest.hex():
                    return before
            contribution = self._chosen(book, workspace)
            workspace.heads.write(GIVEN, contribution.to_stored())
            _settle(contribution, book)
            return contribution

    def _chosen(self, book: OpenAccount, workspace: Workspace) -> Given:
        releases, cross, evaluation = [], NOBODY, NOBODY
        if "train" in self.work.parts:
            releases.append(self._release(UPDATE_SUM, self._noise, workspace))
            cross = self._able_device(book, _device(workspace))
        if "cross" in self.work.parts:
            releases.append(self._release(CROSS_SUM, self._noise, workspace))
            cross = self._able_to_cross(book, workspace)
        if "evaluate" in self.work.parts:
            each = math.sqrt(EVALUATIONS) * self._noise
            releases.append(self._release(EVALUATION_SUM, each, workspace))
            users = workspace.platform.calibration_users
            rows = able_rows(book.account, users, each, self.work.seed, workspace)
            evaluation = user_digests(workspace, validation_sample(workspace.platform, rows).users)
        return Given(
            plan=self.plan.digest.hex(),
            cross=cross,
            evaluation=np.unique(evaluation),
            releases=tuple(releases),
        )

    def _able_to_cross(self, book: OpenAccount, workspace: Workspace) -> Digests:
        _sequences, users = contributions(workspace.platform)
        able = users[book.account.able(users, weight_of(self._noise), workspace.promise.budget)]
        if len(users) < workspace.minimum_users:
            raise NothingToSum(DeclineReason.TOO_FEW_USERS)
        if len(able) < workspace.minimum_users:
            raise NothingToSum(DeclineReason.PRIVACY_BUDGET)
        if not pays(self.work.users, self._noise, workspace.space.name):
            raise NothingToSum(DeclineReason.TOO_MUCH_NOISE)
        return able

    def _able_device(self, book: OpenAccount, device: JoinedDevice) -> Digests:
        user = digests_of([device.name])
        if not book.account.able(user, weight_of(self._noise), device.promise.budget).all():
            raise NothingToSum(DeclineReason.PRIVACY_BUDGET)
        return user

    def _release(self, name: str, noise: float, workspace: Workspace) -> Release:
        return Release(
            time=now_text(),
            released=name,
            run=self.work.run,
            round=self.work.round,
            noise=noise,
            delta=workspace.promise.delta,
        )


def note_opened(plan: Plan, parties: int, survivors: int, workspace: Workspace) -> None:
    """Write down, once, how much noise there is in a sum that this platform helps to open.

    Nobody is charged for it.

    Args:
        plan: of the sum; one in which this platform bears no noise is not noted.
        parties: platforms of the sum.
        survivors: those of them whose vectors are in it.
        workspace: the platform.

    Raises:
        PrivacyError: if it cannot be said what users have spent.
        StorageError: if the record cannot be read or written.
    """
    with Accounts(workspace.machine, workspace.heads).changing() as book:
        contribution = Given.read(workspace.heads)
        if (
            contribution is None
            or contribution.opened
            or contribution.plan != plan.digest.hex()
            or not contribution.releases
        ):
            return
        _settle(contribution, book)
        noise = noise_left(plan.terms, parties, survivors)
        opened = replace(contribution.releases[0], time=now_text(), released=OPENED, noise=noise)
        book.replace(book.account.charged(NOBODY, 0.0, opened))
        workspace.heads.write(GIVEN, replace(contribution, opened=True).to_stored())


def _settle(contribution: Given, book: OpenAccount) -> None:
    """Charge what the account does not hold yet: a platform that was killed on its way is charged when it goes on."""
    for release in contribution.releases:
        known = {(entry.time, entry.released) for entry in book.account.ledger.entries}
        if (release.time, release.released) not in known:
            users = contribution.evaluation if release.released == EVALUATION_SUM else contribution.cross
            book.replace(book.account.charged(users, weight_of(release.noise), release))


def _device(workspace: Workspace) -> JoinedDevice:
    """Raises SumRefused where it is a platform."""
    if not isinstance(workspace, JoinedDevice):
        raise SumRefused("expected no update under noise to be asked of a platform; found one")
    return workspace


def _cross_of(contribution: Given, public: CatalogueMoments, workspace: Workspace) -> Float64:
    sequences, users = contributions(workspace.platform)
    rows = np.flatnonzero(np.isin(users, contribution.cross))
    return cross_moment(workspace.features, select(sequences, rows), public)


def _evaluation_of(contribution: Given, work: SumWork, workspace: Workspace) -> Float64:
    encoder = received_encoder(work, workspace.heads)
    if not len(contribution.evaluation):
        return np.zeros(NUMBERS)
    rows = workspace.platform.calibration_users
    sample = validation_sample(
        workspace.platform, rows[np.isin(user_digests(workspace, rows), contribution.evaluation)]
    )
    return evaluation_numbers(values_of_both(encoder, sample, workspace))
