"""A cross moment under noise: of users who have not yet spent what it costs, beside what was released before.

A user gives to one release after the other only where they did something since and their budget holds. What was
released stands in the platform's vault, noise included, and is what every later task gets too.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences, select
from client.privacy.account import Digests
from client.privacy.accounts import Accounts, OpenAccount
from client.privacy.contributions import contributions
from client.privacy.estimate import pays
from client.privacy.noise import noised
from client.rounds.told_moments import history_digests
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore, StoredRecord
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments, to_square, to_vector
from shared.feature_space import require_same
from shared.federation.messages import CrossReply, CrossTask, Declined, DeclineReason, power_of_two
from shared.privacy.gaussian import weight_of
from shared.privacy.grid import cells_of, middles
from shared.privacy.ledger import Release, now_text

TOLD, CROSS = "cross-told", "cross"
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Told:
    """All that was released in one feature space; T = D (D + 1) / 2."""

    space: str
    """fingerprint of the feature space"""
    public: CatalogueMoments
    """by which it is whitened"""
    total: Float64
    """[T] the sum, noise included"""
    noise: float
    """spread of the noise in it"""
    givers: Digests
    """[G] who gave, a digest of each user and their history"""
    users: int
    """who gave"""
    pending: Mapping[str, Any]
    """the last release and what it costs whom, until the account has it; empty then"""
    pending_users: Digests
    """[V]"""

    def under(self, public: CatalogueMoments) -> Float64:
        """The sum, whitened by another catalogue.

        Args:
            public: moments of that catalogue.

        Returns:
            [T] the sum, noise included.
        """
        if np.array_equal(public.triangle, self.public.triangle):
            return self.total
        raw = self.public.colouring @ to_square(self.total, public.dim) @ self.public.colouring
        return to_vector(public.whitening @ raw @ public.whitening)

    def to_stored(self) -> StoredRecord:
        """As a record."""
        return StoredRecord(
            arrays={
                "mean": self.public.mean,
                "triangle": self.public.triangle,
                "total": self.total,
                "givers": self.givers,
                "pending": self.pending_users,
            },
            facts={"space": self.space, "noise": self.noise, "users": self.users, "pending": dict(self.pending)},
        )

    @classmethod
    def read(cls, heads: HeadStore, space: str) -> "Told | None":
        """What was released in a feature space; that of another one tells of other vectors.

        Args:
            heads: where it is kept.
            space: fingerprint of the feature space.

        Returns:
            what was released; None where nothing was in this space.
        """
        stored = heads.read(TOLD)
        if stored is None or stored.facts["space"] != space:
            return None
        arrays, facts = stored.arrays, stored.facts
        public = CatalogueMoments(mean=arrays["mean"], triangle=arrays["triangle"])
        return cls(
            space=space,
            public=public,
            total=arrays["total"],
            noise=facts["noise"],
            givers=arrays["givers"],
            users=facts["users"],
            pending=facts["pending"],
            pending_users=arrays["pending"],
        )


def cross_reply(task: CrossTask, workspace: Workspace) -> CrossReply | Declined:
    """The cross moment, as it was released, with those who have come since where they are enough.

    Args:
        task: says the noise, and the public catalogue by which the moment is whitened.
        workspace: the platform.

    Returns:
        the moment in cells of its noise; a decline where the platform does not contribute or has nothing to tell.

    Raises:
        FeatureSpaceMismatch: if the task is of another feature space.
        StorageError: if what was released cannot be read or written.
        PrivacyError: if it cannot be said what users have spent.
    """
    require_same(task.feature_space, workspace.space, where=workspace.platform.name)
    if not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    sequences, users = contributions(workspace.platform)
    with Accounts(workspace.machine, workspace.heads).changing() as book:
        cross_release = _settled(Told.read(workspace.heads, workspace.space.fingerprint), book, workspace.heads)
        able = book.account.able(users, weight_of(task.noise), workspace.promise.budget)
        cross_release = _with_newcomers(cross_release, task, workspace, book, sequences, users, able)
        if cross_release is None:
            return Declined(round=task.round, reason=_why_nothing(able, workspace.minimum_users))
        return CrossReply(
            round=task.round,
            cells=cells_of(cross_release.under(task.public), cross_release.noise),
            noise=cross_release.noise,
            fingerprint=workspace.space.fingerprint,
            users=power_of_two(cross_release.users),
            ledger=book.account.ledger.state,
            before=book.account.ledger.digest_where(task.seen),
        )


def _with_newcomers(
    cross_release: Told | None,
    task: CrossTask,
    workspace: Workspace,
    book: OpenAccount,
    sequences: Sequences,
    users: Digests,
    able: NDArray[np.bool_],
) -> Told | None:
    """What was told, and what those of ``users`` give who are ``able`` and did not yet.

    None where nothing was told and nothing pays.
    """
    givers = _giver_digests(workspace, sequences, users)
    new = able if cross_release is None else able & ~np.isin(givers, cross_release.givers)
    before = 0 if cross_release is None else cross_release.users
    noise = _noise_to_pay_under(task.noise, workspace.promise.noise)
    if int(new.sum()) < workspace.minimum_users or not pays(int(new.sum()) + before, noise, workspace.space.name):
        return cross_release
    total = cross_moment(workspace.features, select(sequences, np.flatnonzero(new)), task.public)
    fresh = middles(noised(total, task.noise, workspace.draw(CROSS, task.round, before)), task.noise)
    release = Release(
        time=now_text(), released=CROSS, round=task.round, noise=task.noise, delta=workspace.promise.delta
    )
    larger_release = Told(
        space=workspace.space.fingerprint,
        public=task.public,
        total=fresh if cross_release is None else cross_release.under(task.public) + fresh,
        noise=task.noise if cross_release is None else float(np.hypot(cross_release.noise, task.noise)),
        givers=givers[new] if cross_release is None else np.union1d(cross_release.givers, givers[new]),
        users=min(before + int(new.sum()), len(users)),
        pending={"release": asdict(release), "cost": weight_of(task.noise)},
        pending_users=users[new],
    )
    workspace.heads.write(TOLD, larger_release.to_stored())
    return _settled(larger_release, book, workspace.heads)


def _noise_to_pay_under(noise: float, least: float) -> float:
    """The least noise of the promise, doubled until it is what is asked for, or more.

    Whether a release pays tells how many users there are. Under noise that a task could choose freely, tasks that are
    declined would tell it exactly, and cost nobody anything.
    """
    return least * 2.0 ** max(0, math.ceil(math.log2(noise / least) - 1e-9))


def _settled(cross_release: Told | None, book: OpenAccount, heads: HeadStore) -> Told | None:
    """The same, once the account has what it cost: a release that was cut off on its way is charged when it goes on."""
    if cross_release is None or not cross_release.pending:
        return cross_release
    release = Release(**cross_release.pending["release"])
    charged = [entry for entry in book.account.ledger.entries if (entry.time, entry.released) == (release.time, CROSS)]
    if not charged:
        book.replace(book.account.charged(cross_release.pending_users, cross_release.pending["cost"], release))
    settled = replace(cross_release, pending={}, pending_users=cross_release.pending_users[:0])
    heads.write(TOLD, settled.to_stored())
    return settled


def _why_nothing(able: NDArray[np.bool_], minimum_users: int) -> DeclineReason:
    """Of users who contribute, some of whom are able to."""
    if int(able.sum()) < min(len(able), minimum_users):
        return DeclineReason.PRIVACY_BUDGET
    if len(able) < minimum_users:
        return DeclineReason.TOO_FEW_USERS
    return DeclineReason.TOO_MUCH_NOISE


def _giver_digests(workspace: Workspace, sequences: Sequences, users: Digests) -> Digests:
    """[U] another one where a user did something since."""
    return history_digests(workspace.features, sequences) ^ users
