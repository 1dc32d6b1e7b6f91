"""Whether a received encoder will pay on a platform: the lift to expect of ``feature`` over ``local``, and an answer.

The rules, in this order:

1. *yes* where the gate would serve the encoder.
2. *no* where the whole interval of the lift lies below ``WORTH``.
3. *no* where the encoder adds nothing to content over past events, and the choosing users are few or show no lift.
4. *too early* otherwise.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from client.evaluation.lift import Interval, paired_lift
from client.recommender.candidates import FEW_USERS, LOCAL
from client.recommender.fitting import FittedStacks
from client.transfer.gate import FOLDS, GateCandidate, GateVerdict, cross_validated, decide
from client.transfer.relatedness import Relatedness

FEATURE = "feature"
WORTH = 5.0
"""Percent of lift below which joining is not worth it."""

Answer = Literal["yes", "no", "too early"]


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a platform is told before it joins."""

    answer: Answer
    reason: str
    lift: Interval | None
    """of ``feature`` over ``local`` in percent NDCG@10, cross-validated; None where ``local`` found nothing"""
    users: int
    """users that were looked at"""
    users_needed: int | None
    """users that would show the lift seen here beyond noise; None where no lift is seen"""
    relatedness: Relatedness | None

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return asdict(self)

    def lines(self) -> list[str]:
        """As text."""
        lift, needed, related = self.lift, self.users_needed, self.relatedness
        return [
            f"{self.answer}: {self.reason}",
            "expected lift over local: unknown"
            if lift is None
            else f"expected lift over local: {lift.mean:+.1f} % NDCG@10, "
            f"95 % interval {lift.low:+.1f} to {lift.high:+.1f}",
            f"users looked at: {self.users:,}",
            f"users to see the lift beyond noise: {'no lift is seen' if needed is None else f'{needed:,}'}",
            "relatedness: could not be measured"
            if related is None
            else f"relatedness: the encoder adds {related.lift:+.1f} % to content over {related.events:,} past events "
            f"of {related.users:,} users",
        ]


def assessment(
    verdict: GateVerdict, at_ten: Mapping[str, NDArray[np.float64]], users: int, rng: np.random.Generator
) -> Assessment:
    """The answer.

    Args:
        verdict: of the gate over ``local`` and ``feature``.
        at_ten: cross-validated NDCG@10 [V] of both, on the same choosing users.
        users: of the platform, of whom the V are a part.
        rng: draws resamples.
    """
    lift = paired_lift(at_ten[FEATURE], at_ten[LOCAL], rng)
    one = verdict.candidates[FEATURE]
    answer, reason = _answer(verdict, one, lift)
    return Assessment(
        answer=answer,
        reason=reason,
        lift=lift,
        users=users,
        users_needed=_users_needed(one, users),
        relatedness=one.relatedness,
    )


def assess_stacks(
    stacks: FittedStacks, related: Relatedness | None, users: int, rng: np.random.Generator
) -> Assessment:
    """The same from fitted stacks with the methods ``local`` and ``feature``."""
    whole = stacks.whole_list_by_name()
    verdict = decide(stacks.options, whole, rng, {FEATURE: related})
    folds = rng.permutation(verdict.users) % FOLDS
    at_ten = cross_validated(stacks.options, whole, folds, stacks.at_ten_by_name())
    return assessment(verdict, at_ten, users, rng)


def _answer(verdict: GateVerdict, one: GateCandidate, lift: Interval | None) -> tuple[Answer, str]:
    if verdict.accepted:
        return "yes", verdict.reason
    if lift is not None and lift.high < WORTH:
        return "no", f"the lift is at most {lift.high:+.1f} %, less than the {WORTH:g} % that joining should bring"
    seen = one.lift is not None and one.lift > 0 and verdict.users >= FEW_USERS
    if one.relatedness is not None and one.relatedness.lift <= 0 and not seen:
        return "no", f"the encoder adds nothing to content over {one.relatedness.events:,} past events of users"
    return "too early", verdict.reason


def _users_needed(one: GateCandidate, users: int) -> int | None:
    """The distance from the lift to its bound falls with the root of the number of users; it must fall to the lift."""
    if one.lift is None or one.bound is None or one.lift <= 0:
        return None
    return math.ceil(users * ((one.lift - one.bound) / one.lift) ** 2)
