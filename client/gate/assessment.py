"""Whether a received encoder will pay on a platform: the lift to expect of ``feature`` over ``local``, and an answer.

The rules, in this order (docs/decisions/0010):

1. *yes* where the gate would serve the encoder.
2. *yes* where the whole interval of the expected lift lies above zero.
3. *no* where the whole interval of the expected lift, or of the one that is seen, lies below ``WORTH``.
4. *yes* where the choosing users are few, the encoder adds to content beyond noise over their past events, and the
   expected lift is at least ``WORTH``: to join costs nobody anything, since the gate decides again on what comes.
5. *no* where the encoder adds nothing to content over past events, and the choosing users are few or show no lift.
6. *too early* otherwise.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from client.ensemble.candidates import FEW_USERS, LOCAL
from client.ensemble.fitting import FittedStacks
from client.evaluation.lift import Interval, paired_lift
from client.gate.expectation import Expectation, content_share
from client.gate.gate import FOLDS, LEVEL, GateCandidate, GateVerdict, cross_validated, decide, would_serve
from client.gate.known_pairs import KnownPair, known_pairs, nearest_pair
from client.gate.relatedness import Relatedness

FEATURE = "feature"
WORTH = 5.0
"""Percent of lift below which joining is not worth it."""

Answer = Literal["yes", "no", "too early"]


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a platform is told before it joins."""

    answer: Answer
    reason: str
    expected: Interval | None
    """lift of ``feature`` over ``local`` in percent NDCG@10, by what pairs of the benchmark found; None where nothing
    can be said"""
    lift: Interval | None
    """the same as the platform's own users show it, cross-validated; None where ``local`` found nothing"""
    users: int
    """users that were looked at"""
    users_needed: int | None
    """users that would show the lift seen here beyond noise; None where no lift is seen"""
    content: float
    """how near content alone comes to ``local`` (``content_share``): what an encoder adds to content counts by it"""
    relatedness: Relatedness | None
    nearest: KnownPair | None
    """the pair of the benchmark whose encoder adds most nearly as much to content"""

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return asdict(self)

    def lines(self) -> list[str]:
        """As text."""
        needed, related, near = self.users_needed, self.relatedness, self.nearest
        return [
            f"{self.answer}: {self.reason}",
            f"expected lift over local: {_in_words(self.expected)}",
            f"lift that these users show: {_in_words(self.lift)}",
            f"users looked at: {self.users:,}",
            f"users to see the lift beyond noise: {'no lift is seen' if needed is None else f'{needed:,}'}",
            f"content alone reaches: {self.content:.0%} of local's NDCG@10",
            "relatedness: could not be measured"
            if related is None
            else f"relatedness: the encoder adds {related.lift:+.1f} % to content over {related.events:,} past events "
            f"of {related.users:,} users",
            f"nearest pair of the benchmark: {'unknown' if near is None else _as_pair(near)}",
        ]


def _as_pair(near: KnownPair) -> str:
    what = f"{near.name} ({near.related}, {near.fraction:.0%} of its users), where it adds {near.adds:+.1f} %"
    return f"{what}; the lift was {near.lift:+.1f} %, 95 % interval {near.low:+.1f} to {near.high:+.1f}"


def _in_words(lift: Interval | None) -> str:
    if lift is None:
        return "unknown"
    return f"{lift.mean:+.1f} % NDCG@10, 95 % interval {lift.low:+.1f} to {lift.high:+.1f}"


def assessment(
    verdict: GateVerdict,
    at_ten: Mapping[str, NDArray[np.float64]],
    users: int,
    rng: np.random.Generator,
    known: Sequence[KnownPair],
    *,
    content: float,
) -> Assessment:
    """The answer.

    Args:
        verdict: of the gate over ``local`` and ``feature``.
        at_ten: cross-validated NDCG@10 [V] of both, on the same choosing users.
        users: of the platform, of whom the V are a part.
        rng: draws resamples.
        known: pairs by which the lift is expected.
        content: how near content alone comes to ``local`` (``content_share``).
    """
    lift = paired_lift(at_ten[FEATURE], at_ten[LOCAL], rng)
    one = verdict.candidates[FEATURE]
    expected = expected_lift(one, verdict.users, known, content)
    answer, reason = answer_of(one, verdict.users, verdict.reason, expected, lift)
    return Assessment(
        answer=answer,
        reason=reason,
        expected=expected,
        lift=lift,
        users=users,
        users_needed=_users_needed(one, users),
        content=content,
        relatedness=one.relatedness,
        nearest=None if one.relatedness is None else nearest_pair(one.relatedness.lift, known),
    )


def assess_stacks(
    stacks: FittedStacks, related: Relatedness | None, users: int, rng: np.random.Generator
) -> Assessment:
    """The same from fitted stacks with the methods ``local`` and ``feature``, by the pairs that this release knows."""
    whole = stacks.whole_list_by_name()
    verdict = decide(stacks.options, whole, rng, {FEATURE: related})
    folds = rng.permutation(verdict.users) % FOLDS
    at_ten = cross_validated(stacks.options, whole, folds, stacks.at_ten_by_name())
    local = float(stacks.at_ten_by_name()[stacks.chosen[LOCAL].name].mean())
    content = content_share(stacks.scorer_values(), local)
    return assessment(verdict, at_ten, users, rng, known_pairs(), content=content)


def expected_lift(one: GateCandidate, users: int, known: Sequence[KnownPair], content: float) -> Interval | None:
    """By what these pairs found; None where they are too few, or where something was not measured here."""
    expectation = Expectation.fitted(known)
    if expectation is None or one.lift is None or one.bound is None or one.relatedness is None:
        return None
    error, adds = standard_error(one.lift, one.bound), one.relatedness.lift
    return expectation.of(shown=one.lift, error=error, adds=adds, content=content, users=users)


def standard_error(lift: float, bound: float, contenders: int = 1) -> float:
    """Of a lift, from the bound that it exceeds at the gate's level, as if resampled lifts were normal."""
    return (lift - bound) / float(norm.isf(LEVEL / contenders))


def answer_of(
    one: GateCandidate, users: int, gate_says: str, expected: Interval | None, lift: Interval | None
) -> tuple[Answer, str]:
    """The answer for ``feature`` as the gate found it on so many choosing users, and the reason in words."""
    if would_serve(one, users):
        return "yes", gate_says
    if expected is not None and expected.low > 0:
        return "yes", f"by what pairs of the benchmark found, the lift is at least {expected.low:+.1f} %"
    for what, seen in (("expected", expected), ("seen", lift)):
        if seen is not None and seen.high < WORTH:
            least = f"less than the {WORTH:g} % that joining should bring"
            return "no", f"the lift that is {what} is at most {seen.high:+.1f} %, {least}"
    related = one.relatedness
    worth = expected is not None and expected.mean >= WORTH
    if users < FEW_USERS and worth and related is not None and related.bound > 0:
        adds = f"the encoder surely adds to content over {related.events:,} past events of users"
        return "yes", f"{adds}, and pairs of the benchmark that showed as much gained {WORTH:g} % or more"
    shows = one.lift is not None and one.lift > 0 and users >= FEW_USERS
    if related is not None and related.lift <= 0 and not shows:
        return "no", f"the encoder adds nothing to content over {related.events:,} past events of users"
    return "too early", gate_says


def _users_needed(one: GateCandidate, users: int) -> int | None:
    """The distance from the lift to its bound falls with the root of the number of users; it must fall to the lift."""
    if one.lift is None or one.bound is None or one.lift <= 0:
        return None
    return math.ceil(users * ((one.lift - one.bound) / one.lift) ** 2)
