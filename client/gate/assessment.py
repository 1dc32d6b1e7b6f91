"""Two answers before a platform joins: what would be served here, and whether joining is worth it.

The first is the gate's verdict (client/gate/gate.py). The second begins with a forecast of whether the encoder brings
a lift over ``local``, by these rules in this order (docs/decisions/0010):

1. *yes* where the gate would serve the encoder.
2. *yes* where the whole interval of the expected lift lies above zero.
3. *no* where the whole interval of the expected lift, or of the one that is seen, lies below ``worth``.
4. *yes* where the model-selection users are few, the encoder adds to content beyond noise over their past events, and
   the expected lift is at least ``worth``.
5. *no* where the encoder adds nothing to content over past events, and the model-selection users are few or show
   no lift.
6. *too early* otherwise.

Joining is worth it where the forecast is *yes*, the gate serves the encoder, and the lift to expect is ``worth`` or
more with its interval above zero, while these users show no loss. It is not where an interval lies below ``worth``, or
the forecast is *no*, and the other interval does not say otherwise. Else it is too early to tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from client.ensemble.candidates import LOCAL
from client.ensemble.ensemble_settings import CandidateSettings
from client.ensemble.fitting import FittedStacks
from client.evaluation.lift import Interval, paired_lift
from client.gate.expectation import (
    Expectation,
    ExpectationSettings,
    KnownPair,
    content_share,
    known_pairs,
    nearest_pair,
)
from client.gate.gate import GateCandidate, GateSettings, GateVerdict, cross_validated, with_confidence, would_serve
from client.gate.transferability import DEFAULT as DEFAULT_TRANSFERABILITY
from client.gate.transferability import TransferabilityScore
from shared.errors import DataError
from shared.system.options import Checked, bounded

Answer = Literal["yes", "no", "too early"]


@dataclass(frozen=True, kw_only=True)
class AssessmentSettings(Checked):
    """By what the answers are given."""

    worth: float = bounded(5.0, least=0)
    """percent of lift below which joining is not worth it"""
    near: float = bounded(5.0, least=0)
    """percent of what is added to content by which a pair's encoder may differ and still tell something of this one"""
    expectation: ExpectationSettings = field(default_factory=ExpectationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    """of the gate whose verdict it is"""
    choice: CandidateSettings = field(default_factory=CandidateSettings)
    """how each method chose its stack"""


DEFAULT = AssessmentSettings()


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a platform is told before it joins."""

    served: str
    """the method that the gate serves"""
    served_reason: str
    answer: Answer
    """whether joining is worth it"""
    reason: str
    expected: Interval | None
    """lift over ``local`` in percent NDCG@10, by what pairs of the benchmark found; None where nothing
    can be said"""
    lift: Interval | None
    """the same as the platform's own users show it, cross-validated; None where ``local`` found nothing"""
    users: int
    """users that were looked at"""
    users_needed: int | None
    """users that would show the gate's lift, by NDCG of the whole list, beyond noise; None where it sees none"""
    content: float
    """how near content alone comes to ``local`` (``content_share``): what an encoder adds to content counts by it"""
    transferability: TransferabilityScore | None
    nearest: KnownPair | None
    """the pair of the benchmark whose encoder adds about as much to content; None where none is near, and where the
    platform's own users show the lift beyond noise"""

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return asdict(self)

    def lines(self, settings: AssessmentSettings = DEFAULT) -> list[str]:
        """As text."""
        related, near = self.transferability, self.nearest
        needed = "none is seen" if self.users_needed is None else f"{self.users_needed:,}"
        return [
            f"would be served, by NDCG of the whole list: {self.served}; {self.served_reason}",
            f"worth joining for {settings.worth:g} % or more: {self.answer}; {self.reason}",
            f"expected lift over local: {_in_words(self.expected)}",
            f"lift that these users show: {_in_words(self.lift)}",
            f"users looked at: {self.users:,}",
            f"users to see a lift of the whole list beyond noise: {needed}",
            "transferability score: could not be measured"
            if related is None
            else f"transferability score: the encoder adds {related.lift:+.1f} % to content over {related.events:,} "
            f"past events of {related.users:,} users",
            f"content alone reaches: {self.content:.0%} of local's NDCG@10",
            *([] if near is None else [f"nearest pair of the benchmark: {_as_pair(near)}"]),
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
    settings: AssessmentSettings = DEFAULT,
) -> Assessment:
    """The answer.

    Args:
        verdict: of the gate.
        at_ten: cross-validated NDCG@10 [V] of ``local`` and the judged method, on the same model-selection users.
        users: of the platform, of whom the V are a part.
        rng: draws resamples.
        known: pairs by which the lift is expected.
        content: how near content alone comes to ``local`` (``content_share``).
        settings: by which it is given.
    """
    method = judged_method(verdict)
    lift = paired_lift(at_ten[method], at_ten[LOCAL], rng)
    candidate = verdict.candidates[method]
    competitors = len(verdict.candidates) - 1
    expected = expected_lift(candidate, verdict.users, known, content, settings, competitors)
    forecast, why = forecast_of(candidate, verdict.users, verdict.reason, expected, lift, settings)
    shown = {what: interval for what, interval in (("expected", expected), ("seen", lift)) if interval is not None}
    answer, reason = _worth(forecast, why, shown, settings.worth, serves=verdict.accepted)
    return Assessment(
        served=verdict.served,
        served_reason=verdict.reason,
        answer=answer,
        reason=reason,
        expected=expected,
        lift=lift,
        users=users,
        users_needed=_users_needed(candidate, users),
        content=content,
        transferability=candidate.transferability,
        nearest=_informative_pair(candidate, known, settings.near),
    )


def assess_stacks(
    stacks: FittedStacks,
    verdict: GateVerdict,
    users: int,
    rng: np.random.Generator,
    settings: AssessmentSettings = DEFAULT,
) -> Assessment:
    """The same from fitted stacks, by the pairs that this release knows.

    Args:
        stacks: fitted ones of the platform.
        verdict: of the gate over the same stacks.
        users: of the platform, of whom the model-selection users are a part.
        rng: draws folds and resamples.
        settings: by which the answer is given.

    Returns:
        The answer.

    Raises:
        DataError: if the platform could fit no method that uses the encoder.
    """
    options = {method: stacks.options[method] for method in (LOCAL, judged_method(verdict))}
    folds = rng.permutation(verdict.users) % settings.gate.folds
    by_name = stacks.at_ten_by_name()
    at_ten = cross_validated(options, stacks.whole_list_by_name(), folds, by_name, settings.choice)
    local = float(by_name[stacks.chosen[LOCAL].name].mean())
    content = content_share(stacks.scorer_values(), local)
    return assessment(verdict, at_ten, users, rng, known_pairs(), content=content, settings=settings)


def judged_method(verdict: GateVerdict) -> str:
    """The one that is served, or else the best of those that are not; raises DataError where there is none."""
    if verdict.accepted:
        return verdict.served
    competitors = [method for method in verdict.candidates if method != LOCAL]
    if not competitors:
        raise DataError(f"an assessment takes a method that uses the encoder, and {verdict.reason}")
    return max(competitors, key=lambda method: verdict.candidates[method].ndcg)


def _worth(
    forecast: Answer, reason: str, shown: Mapping[str, Interval], worth: float, *, serves: bool
) -> tuple[Answer, str]:
    """Whether joining is worth it, by the forecast and the intervals that stand beside it, the best founded first."""
    ends = list(shown.values())
    below = [
        f"the lift that is {what} is at most {interval.high:+.1f} %"
        for what, interval in shown.items()
        if interval.high < worth
    ]
    if below or forecast == "no":
        if any(interval.low >= worth for interval in ends) or (below and ends[0].mean >= worth):
            return "too early", "what is expected here and what these users show do not agree"
        return "no", below[0] if below else reason
    if forecast != "yes":
        return forecast, reason
    if not serves:
        return "too early", f"{reason}; but these users do not show it yet, so local would be served"
    if not ends:
        return "too early", "local found nothing, so no lift can be told"
    if ends[0].mean < worth or ends[0].low <= 0 or ends[-1].mean <= 0:
        return "too early", f"the lift may be {ends[-1].low:+.1f} % as well as {ends[0].high:+.1f} %"
    return "yes", f"a lift of {ends[0].mean:+.1f} % is to be expected, {ends[0].low:+.1f} % at least"


def _informative_pair(candidate: GateCandidate, known: Sequence[KnownPair], reach: float) -> KnownPair | None:
    """The nearest pair, where the platform's own users leave the lift open and what both encoders add is alike."""
    if candidate.transferability is None or (candidate.bound is not None and candidate.bound > 0):
        return None
    near = nearest_pair(candidate.transferability.lift, known)
    return None if near is None or abs(near.adds - candidate.transferability.lift) > reach else near


def expected_lift(
    candidate: GateCandidate,
    users: int,
    known: Sequence[KnownPair],
    content: float,
    settings: AssessmentSettings = DEFAULT,
    competitors: int = 1,
) -> Interval | None:
    """The lift to expect of one method, by what pairs of the benchmark found.

    Args:
        candidate: what the method reached in the gate's cross-validation.
        users: model-selection users.
        known: the pairs.
        content: how near content alone comes to ``local`` (``content_share``), from 0 to 1.
        settings: how known pairs are believed, and how sure the gate must be.
        competitors: how many methods compete.

    Returns:
        The lift in percent and its interval; None where the pairs are too few, or where something was not measured
        here.
    """
    expectation = Expectation.fitted(known, settings.expectation)
    if expectation is None or candidate.lift is None or candidate.bound is None or candidate.transferability is None:
        return None
    error = standard_error(candidate.lift, candidate.bound, competitors, settings.gate)
    adds = candidate.transferability.lift
    return expectation.of(shown=candidate.lift, error=error, adds=adds, content=content, users=users)


def standard_error(lift: float, bound: float, competitors: int = 1, gate: GateSettings = DEFAULT.gate) -> float:
    """Of a lift, from the bound that it exceeds at the gate's level, as if resampled lifts were normal.

    Args:
        lift: percent.
        bound: percent; the lift exceeds it at the gate's level, divided by the number of competing methods.
        competitors: how many methods compete.
        gate: says the level.

    Returns:
        Percent.
    """
    return (lift - bound) / float(norm.isf(gate.level / competitors))


def forecast_of(
    candidate: GateCandidate,
    users: int,
    gate_says: str,
    expected: Interval | None,
    lift: Interval | None,
    settings: AssessmentSettings = DEFAULT,
) -> tuple[Answer, str]:
    """Whether a method will bring a lift, and the reason.

    For its rules see the top of this file.

    Args:
        candidate: what the method reached in the gate's cross-validation.
        users: model-selection users.
        gate_says: the gate's reason.
        expected: the lift to expect, in percent; None where nothing can be said.
        lift: the lift that these users show, in percent; None where ``local`` found nothing.
        settings: by which it is said.

    Returns:
        ``yes``, ``no`` or ``too early``, and the reason.
    """
    worth, few = settings.worth, users < settings.choice.few_users
    if would_serve(candidate, users, settings.choice):
        return "yes", gate_says
    if expected is not None and expected.low > 0:
        return "yes", f"by what pairs of the benchmark found, the lift is at least {expected.low:+.1f} %"
    for what, seen in (("expected", expected), ("seen", lift)):
        if seen is not None and seen.high < worth:
            least = f"less than the {worth:g} % that joining should bring"
            return "no", f"the lift that is {what} is at most {seen.high:+.1f} %, {least}"
    related = candidate.transferability
    enough = expected is not None and expected.mean >= worth
    if few and enough and related is not None and related.bound > 0:
        sure = with_confidence(DEFAULT_TRANSFERABILITY.level)
        adds = f"{sure} the encoder adds to content over {related.events:,} past events of users"
        return "yes", f"{adds}, and pairs of the benchmark that showed as much gained {worth:g} % or more"
    shows = candidate.lift is not None and candidate.lift > 0 and not few
    if related is not None and related.lift <= 0 and not shows:
        return "no", f"the encoder adds nothing to content over {related.events:,} past events of users"
    return "too early", gate_says


def _users_needed(candidate: GateCandidate, users: int) -> int | None:
    """The distance from the lift to its bound falls with the root of the number of users; it must fall to the lift."""
    if candidate.lift is None or candidate.bound is None or candidate.lift <= 0:
        return None
    return math.ceil(users * ((candidate.lift - candidate.bound) / candidate.lift) ** 2)
