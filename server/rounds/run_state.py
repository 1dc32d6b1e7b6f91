"""What a run has reached between two rounds, the lines of its history, and which round's encoder it leaves.

It leaves the newest encoder with which platforms do not clearly worse than with one before it. One bad round is enough
to undo the good ones before it, so being the last is not enough. Rounds that differ by a few percent of what the
encoder alone is worth are not told apart: in a stack the later one is no worse, and its rates have fallen
(docs/decisions/0023).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from server.aggregation.weighted_quantile import weighted_quantile
from server.rounds.sum_groups import group_words
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments
from shared.encoder.provenance import DIGITS
from shared.federation.messages import BOTH

Kind = Literal["moments", "train", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class RoundRecord:
    """One line of a run's history: one question and what came of it."""

    kind: Kind
    round: int
    """0 for the moments round"""
    seconds: float
    bytes_down: int
    """server to platforms"""
    bytes_up: int
    """platforms to server"""
    platforms: tuple[str, ...]
    """whose replies were used"""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """in a masked run by group, whose answers are in its sum; then what is said by platform below is said by group"""
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    """by platform and phase, in nats; training rounds only"""
    validation: dict[str, dict[str, float]] = field(default_factory=dict)
    """by platform and part of the encoder, NDCG@10; evaluations only"""
    declined: dict[str, str]
    failed: dict[str, str]
    dropped: dict[str, str]
    missing: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    """of a cohort: how many were asked, and how many by outcome; then nobody is named above"""
    cosines: dict[str, dict[str, float]] = field(default_factory=dict)
    """between the platforms' updates; training rounds only"""
    weights: dict[str, float] = field(default_factory=dict)
    """how much each update counted, or how much of each platform's class in the linear part; evaluations have none"""
    held_back: dict[str, str] = field(default_factory=dict)
    """by platform, why its moments or its update were cut or left out (server/aggregation/robust_sum.py)"""
    spread: dict[str, float] = field(default_factory=dict)
    """by platform, of the noise in its validation; evaluations of a private run only"""
    kept: bool = False
    """whether the run would leave this encoder if it ended here (server/rounds/run_state.py); evaluations only"""
    note: str = ""
    """in words, where the encoder stayed as it was or was passed over; else empty"""

    @property
    def passed_over(self) -> bool:
        """Whether platforms judged this encoder, and it is clearly worse than one before it."""
        return bool(self.validation) and not self.kept

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        groups = {name: list(members) for name, members in self.groups.items()}
        return {**asdict(self), "platforms": list(self.platforms), "missing": list(self.missing), "groups": groups}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        groups = {name: tuple(members) for name, members in values.get("groups", {}).items()}
        listed = {name: tuple(values[name]) for name in ("platforms", "missing")}
        return cls(**{**values, **listed, "groups": groups})


@dataclass(frozen=True, eq=False, kw_only=True)
class RunState:
    """All that a run has reached between two rounds: from it the run goes on as if it had not been stopped.

    What platforms hold is no part of it: they may hold an encoder of the round that was cut off, so each is sent a
    whole one first. Nor are generators: every draw is made from the config's seed and the round.
    """

    encoder: Encoder
    """what the next round starts from"""
    run: str
    """which run this is, on every restart the same; platforms tell a repeated task by it"""
    round: int = 0
    """training rounds done"""
    kept: Encoder | None = None
    """the last that was evaluated and is not clearly worse than one before it; None where none was evaluated yet"""
    cohort: tuple[str, ...] = ()
    """names of the platforms that every round must have, where all are required"""
    moments: Mapping[str, Moments] = field(default_factory=dict)
    """by platform, kept apart: any subset can be summed, any one subtracted"""
    optimiser: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """the aggregation's own arrays by name"""
    history: tuple[RoundRecord, ...] = ()

    @property
    def released(self) -> Encoder:
        """What the run would leave if it ended now."""
        return self.kept or self.encoder

    def released_after(self) -> tuple[int, dict[str, float]]:
        """Training rounds behind ``released``; by part of it the mean NDCG@10 over platforms, where it was judged."""
        judged = None if self.kept is None else next((line for line in reversed(self.history) if line.kept), None)
        if judged is None:
            return self.round, {}
        scores = list(judged.validation.values())
        parts = sorted({part for score in scores for part in score})
        means = {part: np.mean([score[part] for score in scores if part in score]) for part in parts}
        return judged.round, {part: min(1.0, max(0.0, round(float(mean), DIGITS))) for part, mean in means.items()}


CLEARLY = 0.1
"""How much worse than one before an encoder must be to be passed over, where whoever spoils it can be left out."""
SLIGHTLY = 0.01
"""The same where nobody can be left out alone: then what one bad round may cost is bounded by what is passed over."""


WITHOUT_NOISE: Mapping[str, float] = {}
WITHOUT_GROUPS: Mapping[str, tuple[str, ...]] = {}


def may_be_kept(
    validation: Mapping[str, Mapping[str, float]],
    history: Sequence[RoundRecord],
    weights: Mapping[str, float],
    spread: Mapping[str, float] = WITHOUT_NOISE,
    groups: Mapping[str, tuple[str, ...]] = WITHOUT_GROUPS,
    worse_by: float = CLEARLY,
) -> bool:
    """Whether platforms do about as well with an encoder as with each that was evaluated before it, or better.

    About as well: by no more than a share worse, as ``_gain`` has it, beyond what noise in the answers may do. Where
    nothing can be compared, nothing speaks against the newer one.

    Args:
        validation: by platform and part, NDCG@10 of the encoder in question.
        history: what was asked before.
        weights: of the platforms' updates; 1 for who sent none.
        spread: by platform, of the noise in ``validation``; empty where there is none.
        groups: where ``validation`` is by group, who is in each: one is compared with itself alone, as long as the same
            are.
        worse_by: the share that it may be worse than one before it.
    """
    return all(
        _gain(validation, _comparable(record, groups), weights) >= -worse_by / 2 - _doubt(validation, spread, record)
        for record in history
        if record.validation
    )


def _comparable(record: RoundRecord, groups: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, float]]:
    return {name: levels for name, levels in record.validation.items() if record.groups.get(name) == groups.get(name)}


def _doubt(validation: Mapping[str, Mapping[str, float]], spread: Mapping[str, float], record: RoundRecord) -> float:
    """Twice the standard error that noise gives to ``_gain``: of a median over platforms, √(π/2) times a mean's."""
    errors = []
    for name in set(validation) & set(record.validation) & set(spread):
        total = validation[name].get(BOTH, 0.0) + record.validation[name].get(BOTH, 0.0)
        if total > 0:
            errors.append(math.hypot(spread[name], record.spread.get(name, 0.0)) / total)
    return 2 * math.sqrt(math.pi / 2) * float(np.median(errors)) / math.sqrt(len(errors)) if errors else 0.0


PASSED_OVER = "passed over: "
"""begins the note of an evaluation whose encoder is passed over"""


def passed_over_words(history: Sequence[RoundRecord], worse_by: float = CLEARLY) -> str:
    """That the encoder of the last round is passed over, from which bound on, and whose replies made it.

    Args:
        history: what was asked before.
        worse_by: as of ``may_be_kept``.

    Returns:
        The words.
    """
    last_change = next((record for record in reversed(history) if record.kind != "evaluate"), None)
    members = _made_by(last_change) if last_change else []
    worse = f"more than {worse_by:.0%} worse than one before, on the platforms' own answers".replace("%", " %")
    return f"{PASSED_OVER}{worse}; made by {', '.join(members)}"


def _made_by(record: RoundRecord) -> list[str]:
    if not record.groups:
        return [name for name in record.platforms if record.weights.get(name, 0.0) > 0]
    return [group_words(name, members) for name, members in record.groups.items() if record.weights.get(name, 0.0) > 0]


def _gain(
    now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]
) -> float:
    """The median over platforms of (b − a) / (a + b), half of the relative change where it is small.

    So one whose users are easy to please counts no more than another, and one that tells untruths moves it no further
    than the next one's answer; each counts times its weight, those that did not answer both times not at all.
    """
    gains, counted = [], []
    for name in sorted(set(now) & set(before)):
        a, b = before[name].get(BOTH, 0.0), now[name].get(BOTH, 0.0)
        weight = float(weights.get(name, 1.0))
        if (a > 0 or b > 0) and weight > 0:
            gains.append((b - a) / (a + b))
            counted.append(weight)
    return weighted_quantile(gains, counted, 0.5) if gains else 0.0
