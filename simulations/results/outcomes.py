"""What a run hands over for its report: plain frozen records, filled by the runner, read by everything that shows them.

U users who were ranked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from client.clicks.click_metrics import ClickRanking
from client.evaluation.beyond_accuracy import ListQuality
from client.transfer.table import in_runs
from shared.errors import GraftError

SERVED = "served"
"""What the gate serves: the stack of ``local`` or of the transfer method that it accepts."""

ORACLE = "oracle"
"""The true next-item probabilities of a synthetic world; an upper bound, not a method that can be asked for."""


def shown() -> tuple[str, ...]:
    """Every method that a result may hold, in the order in which reports show them."""
    return (*in_runs(), SERVED, ORACLE)


BEGINNING = "@"
"""Between a platform's name and the number of users trained on: what it was in its beginnings. No given name has it."""

WHOLE_HISTORY = "whole"
"""Beside the numbers of events of shortened histories, the same users' whole ones."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ColdStart:
    """A method on users who have just come and on items that few have met."""

    by_history: Mapping[str, NDArray[np.float64]]
    """last events of the history that it was given, or ``WHOLE_HISTORY``: NDCG@10 [S] of the same users and targets"""
    target_events: NDArray[np.int64]
    """[U] training events of each test user's target"""


@dataclass(frozen=True, kw_only=True)
class TradeOff:
    """A method's mean NDCG@10 and diversity within lists, re-ranked with each of L strengths; the first is 0."""

    users: int
    strengths: tuple[float, ...]
    ndcg: tuple[float, ...]
    diversity: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class StudentSummary:
    """What method ``knowledge`` leaves on a small device: the student without its teacher and without a stack."""

    preset: str
    parameters: int
    ndcg: float
    """NDCG@10 of it alone"""
    teacher_parameters: int | None
    """of the tuned encoder and its head; None where the stack taught"""
    teacher_ndcg: float | None
    """NDCG@10 of the tuned encoder alone"""
    seconds: float
    """of one recommendation"""
    stack_seconds: float
    """of one recommendation by the stack of the method"""


@dataclass(frozen=True, eq=False, kw_only=True)
class MethodOutcome:
    """One method on the test events of one platform under one seed."""

    platform: str
    method: str
    """One of ``shown()``."""
    seed: int
    users: NDArray[np.int64]
    """[U] their numbers (``Platform.user_numbers``); the same for every method of one platform and seed"""
    ndcg: NDArray[np.float64]
    """[U] NDCG@10"""
    recall: NDArray[np.float64]
    """[U] Recall@10"""
    reciprocal_rank: NDArray[np.float64]
    """[U]"""
    coverage: float
    """Share of the catalogue that is in at least one user's first 10."""
    cold_users: NDArray[np.bool_]
    """[U] True where the history is short (3 events at most), at the first of a user's targets"""
    cold_items: NDArray[np.bool_]
    """[U] True where the target has no training event, at the first of a user's targets"""
    weights: Mapping[str, float] = field(default_factory=dict)
    """The stack's weight of each scorer; empty for a method without a stack."""
    tuned: Mapping[str, object] = field(default_factory=dict)
    """What validation or cross-validation chose, as JSON values."""
    student: StudentSummary | None = None
    """Of method ``knowledge``."""
    lists: ListQuality | None = None
    """Of the first 10; None where a method ranks targets and makes no lists."""
    cold_start: ColdStart | None = None
    frozen_ndcg: NDArray[np.float64] | None = None
    """[U] NDCG@10 where what is counted as of a moment stops at the cut in time; None where time is not cut"""
    trade_off: TradeOff | None = None
    """Of ``SERVED`` alone."""
    outside: float | None = None
    """Share of targets on no shortlist, which count as missed; None where every item was ranked"""

    def __post_init__(self) -> None:
        columns = (self.ndcg, self.recall, self.reciprocal_rank, self.cold_users, self.cold_items)
        if any(column.shape != self.users.shape for column in columns):
            shapes = ", ".join(str(column.shape) for column in columns)
            raise GraftError(
                f"{self.method} on {self.platform}: every column must have the shape of users "
                f"{self.users.shape}; got {shapes}"
            )


@dataclass(frozen=True, kw_only=True)
class PlatformSummary:
    """A prepared platform in numbers."""

    name: str
    users: int
    items: int
    events: int
    train_users: int
    test_users: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Scorer: why the platform cannot have it."""
    scorer_values: Mapping[str, float] = field(default_factory=dict)
    """Scorer: NDCG@10 of it alone on validation events."""


@dataclass(frozen=True, kw_only=True)
class GateOutcome:
    """What the gate of one platform decided under one seed."""

    platform: str
    seed: int
    verdict: Mapping[str, object]
    """as JSON values; docs/result-format.md names them"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClickOutcome:
    """One method on the test impressions of one platform under one seed."""

    platform: str
    method: str
    """One that predicts clicks."""
    seed: int
    impressions: Mapping[str, int]
    """Stage: how many."""
    items: int
    """Shown or met."""
    click_rate: float
    """Share of the test candidates that were clicked."""
    ranking: ClickRanking
    log_loss: float
    """With the temperature, in nats per candidate."""
    ece: float
    """Calibration error before the temperature."""
    ece_scaled: float
    """After it."""
    temperature: float
    tuned: Mapping[str, object]
    """What validation impressions chose, as JSON values."""


@dataclass(frozen=True, kw_only=True)
class EncoderSummary:
    """The shared encoder in numbers."""

    parameters: int
    bytes: int
    """What travels in one direction: the flat array."""
    fingerprint: str
    """The feature space's fingerprint."""


@dataclass(frozen=True, kw_only=True)
class RoundOutcome:
    """One federated round."""

    seed: int
    number: int
    """Counts from 0 within a seed, over all kinds."""
    kind: str
    """``moments`` or ``training``."""
    seconds: float
    bytes_up: int
    """From the platforms to the server, all replies together."""
    bytes_down: int
    losses: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Platform: name of the loss: its mean over the round."""
    validation: Mapping[str, float] = field(default_factory=dict)
    """Platform: NDCG@10 on validation events after the round."""
    kept: bool = False
    """Whether its encoder is what the run left."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Platform: why its reply did not enter the encoder."""
    cosines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Platform: platform: the cosine of their updates."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Platform: how much its update counted; the others' weights beside it, they need not sum to 1."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ContributionOutcome:
    """What one method reaches on one platform, under one seed, with all platforms and as each is left out."""

    platform: str
    method: str
    """Its stack is fitted anew for each encoder."""
    seed: int
    users: NDArray[np.int64]
    """[U] as ``MethodOutcome.users``."""
    ndcg: NDArray[np.float64]
    """[U] NDCG@10 with the encoder of all."""
    without: Mapping[str, NDArray[np.float64]]
    """Platform: [U] NDCG@10 with the encoder in which it took no part."""


@dataclass(frozen=True, kw_only=True)
class HelpOutcome:
    """Who helps whom through the linear part alone, under one seed."""

    seed: int
    lifts: Mapping[str, Mapping[str, float]]
    """Helper: helped: lift in percent of the linear part of all over the one without the helper."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunResult:
    """Everything a run found out; ``complete`` is False where it was stopped before its end."""

    config: Mapping[str, object]
    """The run's configuration as JSON values."""
    synthetic: bool
    """True where every platform is the embedded world."""
    source: str | None
    encoder: EncoderSummary | None
    """None where no method needed an encoder."""
    platforms: tuple[PlatformSummary, ...]
    outcomes: tuple[MethodOutcome, ...]
    rounds: tuple[RoundOutcome, ...]
    gates: tuple[GateOutcome, ...]
    helps: tuple[HelpOutcome, ...]
    seconds: Mapping[str, float]
    """Step: seconds, added up over platforms, some of which work at the same time."""
    wall_seconds: float
    """From the run's beginning to now."""
    complete: bool = True
    clicks: tuple[ClickOutcome, ...] = ()
    contributions: tuple[ContributionOutcome, ...] = ()
