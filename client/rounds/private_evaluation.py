"""What an encoder is worth here, told under noise: a mean over users to whose sum each gives at most 1."""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples
from client.data.preparation import draw_by_id
from client.privacy.account import Account, Digests, digests_of
from client.privacy.accounts import Accounts
from client.rounds.workspace import Workspace
from shared.errors import BudgetBroken
from shared.federation.messages import Declined, DeclineReason, EvaluateTask, power_of_two
from shared.privacy.gaussian import weight_of
from shared.privacy.gaussian_draws import gaussian
from shared.privacy.ledger import Release, now_text

MOST_USERS = 5_000
EVALUATION = "evaluation"
TELLING = 0.01
"""Spread of the noise in the mean above which it tells nothing: encoders are worth about .03."""


def able_sample(task: EvaluateTask, workspace: Workspace, users: NDArray[np.int64]) -> NDArray[np.int64] | Declined:
    """The users on whom an encoder can be evaluated under noise.

    Args:
        task: the evaluation; says the noise and the seed.
        workspace: the platform.
        users: rows of users.

    Returns:
        rows of those of ``users`` whose budget holds, or a decline where too few are left for the noise.
    """
    account = Accounts(workspace.machine, workspace.heads).read()
    able = able_rows(account, users, task.noise, task.seed, workspace)
    if task.noise > TELLING * power_of_two(len(able)):
        few = task.noise > TELLING * power_of_two(len(users))
        return Declined(round=task.round, reason=DeclineReason.TOO_MUCH_NOISE if few else DeclineReason.PRIVACY_BUDGET)
    return able


def able_rows(
    account: Account, users: NDArray[np.int64], noise: float, seed: int, workspace: Workspace
) -> NDArray[np.int64]:
    """The users who can give to an evaluation under noise.

    At most ``MOST_USERS``, in an order of the platform's own in which each has their place by their id: one user more
    takes the place of one other at the most.

    Args:
        account: what each user has spent.
        users: rows of users.
        noise: spread of the noise, as a multiple of what one user can move the sum by.
        seed: of the task.
        workspace: the platform; says the budget.

    Returns:
        rows of those of ``users`` whose budget holds, sorted where they are given sorted.
    """
    able = users[account.able(user_digests(workspace, users), weight_of(noise), workspace.promise.budget)]
    ids = [workspace.platform.user_ids[row] for row in able]
    return able[draw_by_id(ids, MOST_USERS, workspace.seed(seed, EVALUATION))[0]]


def noised_mean(
    values: NDArray[np.float64], task: EvaluateTask, encoder: str, workspace: Workspace, sample: Examples
) -> float:
    """The mean of a figure over users, under noise; its cost is charged first.

    Args:
        values: [V] a figure of each user of ``sample``, from 0 to 1.
        task: the evaluation; says the noise and the round.
        encoder: digest of the encoder.
        workspace: the platform.
        sample: examples of the V users.

    Returns:
        the noisy sum over the users' number as a power of two, cut to 0 and 1.

    Raises:
        BudgetBroken: if a user has spent elsewhere what it costs since they were found able.
    """
    users = user_digests(workspace, np.unique(sample.users))
    release = Release(
        time=now_text(),
        released=EVALUATION,
        round=task.round,
        noise=task.noise,
        delta=workspace.promise.delta,
    )
    with Accounts(workspace.machine, workspace.heads).changing() as book:
        if not book.account.able(users, weight_of(task.noise), workspace.promise.budget).all():
            raise BudgetBroken("another agent on the same data has spent what this evaluation would cost its users")
        book.replace(book.account.charged(users, weight_of(task.noise), release))
    draw = workspace.draw(EVALUATION, task.round, encoder)
    total = float(values.sum()) + task.noise * float(gaussian((1,), draw)[0])
    return min(max(total / power_of_two(len(users)), 0.0), 1.0)


def user_digests(workspace: Workspace, rows: NDArray[np.int64]) -> Digests:
    """What stands in the account for some users.

    Args:
        workspace: the platform.
        rows: [U] rows of users.

    Returns:
        [U] digests.
    """
    return digests_of([workspace.platform.user_ids[row] for row in rows])
