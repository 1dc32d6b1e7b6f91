"""What ``assess`` would have said of every cell of the benchmark, by all pairs but the cell's own, and what came."""

from collections.abc import Sequence
from dataclasses import dataclass

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import Interval
from client.gate.assessment import expected_lift, forecast_of, standard_error
from client.gate.expectation import KnownPair
from client.gate.gate import GateCandidate
from client.gate.transferability import TransferabilityScore
from client.transfer.feature import FEATURE
from client.transfer.table import METHODS
from simulations.benchmark.figures import (
    ADDS,
    ADDS_EVENTS,
    ADDS_USERS,
    CONTENT_SHARE,
    GATE_LIFT,
    GATE_NDCG,
    OVER_LOCAL,
    SELECTION_USERS,
    Figures,
    Place,
    lift_text,
    place_of,
)
from simulations.benchmark.pairs import FRACTIONS, PAIRS, Pair
from simulations.results.table import markdown

Measured = tuple[KnownPair, GateCandidate]
"""What became of a cell, and what the gate had found of ``feature``."""


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """What would have been said of a cell, and what became of it."""

    known: KnownPair
    expected: Interval | None
    answer: str
    right: bool | None
    """None where what came is within noise, so that neither answer is wrong"""


def measured_cells(figures: Figures) -> list[Measured]:
    """Every cell in which ``feature`` and its transferability score were measured; one per pair, seed and fraction."""
    places = [
        (pair, fraction, place_of(pair, fraction, seed))
        for pair in PAIRS
        for seed in figures.seeds(pair.name)
        for fraction in FRACTIONS
    ]
    measured = [_measured(figures, pair, fraction, place) for pair, fraction, place in places]
    return [cell for cell in measured if cell is not None]


def foretold(cells: Sequence[Measured]) -> list[Foretold]:
    """One for each cell, by the cells of all pairs but its own."""
    return [
        _foretold(known, candidate, [other for other, _ in cells if other.name != known.name])
        for known, candidate in cells
    ]


def foretold_table(forecasts: Sequence[Foretold]) -> str:
    """One line per cell in Markdown, then how often a clear lift was foretold rightly, and the interval held."""
    heads = ("pair", "fraction", "model-selection users", "expected, %", "came, %", "answer")
    rows = []
    held = []
    for forecast in forecasts:
        known, expected = forecast.known, forecast.expected
        held += [] if expected is None else [expected.low <= known.lift <= expected.high]
        came = Interval(mean=known.lift, low=known.low, high=known.high)
        rows.append(
            [
                *(known.name, f"{known.fraction:g}", str(known.users), lift_text(expected), lift_text(came)),
                forecast.answer + ("" if forecast.right is None else ", right" if forecast.right else ", wrong"),
            ]
        )
    right = clear_answers(forecasts)
    total = f"{sum(right)} of {len(right)} answers right where the lift is beyond noise"
    return f"{markdown(heads, rows)}\n{total}; {sum(held)} of {len(held)} lifts within their interval.\n"


def clear_answers(forecasts: Sequence[Foretold]) -> list[bool]:
    """Whether the answer was right, for every cell whose lift is beyond noise."""
    return [forecast.right for forecast in forecasts if forecast.right is not None]


def _foretold(known: KnownPair, candidate: GateCandidate, others: Sequence[KnownPair]) -> Foretold:
    expected = expected_lift(candidate, known.users, others, known.content)
    answer, _reason = forecast_of(candidate, known.users, "", expected, None)
    right = answer == ("yes" if known.lift > 0 else "no") if known.is_clear else None
    return Foretold(known=known, expected=expected, answer=answer, right=right)


def _measured(figures: Figures, pair: Pair, fraction: float, place: Place) -> Measured | None:
    candidate = _candidate(figures, place, FEATURE.name)
    users, content = figures.value(place, "", SELECTION_USERS), figures.value(place, "", CONTENT_SHARE)
    lift = figures.interval(place, FEATURE.name, OVER_LOCAL)
    if candidate is None or candidate.transferability is None or candidate.lift is None or candidate.bound is None:
        return None
    if users is None or content is None or lift is None:
        return None
    in_gate = [figures.value(place, method, GATE_NDCG) for method in METHODS if method != LOCAL]
    competitors = sum(ndcg is not None for ndcg in in_gate)
    known = KnownPair(
        name=pair.name,
        related=pair.pair_class,
        fraction=fraction,
        users=int(users),
        adds=candidate.transferability.lift,
        content=content,
        shown=candidate.lift,
        error=standard_error(candidate.lift, candidate.bound, competitors),
        lift=lift.mean,
        low=lift.low,
        high=lift.high,
    )
    return known, candidate


def _candidate(figures: Figures, place: Place, method: str) -> GateCandidate | None:
    ndcg, lift = figures.value(place, method, GATE_NDCG), figures.get(place, method, GATE_LIFT)
    if ndcg is None:
        return None
    return GateCandidate(
        ndcg=ndcg,
        lift=None if lift is None else lift.value,
        bound=None if lift is None else lift.low,
        transferability=_transferability(figures, place, method),
    )


def _transferability(figures: Figures, place: Place, method: str) -> TransferabilityScore | None:
    adds = figures.get(place, method, ADDS)
    users, events = (figures.value(place, method, metric) for metric in (ADDS_USERS, ADDS_EVENTS))
    if adds is None or adds.low is None or users is None or events is None:
        return None
    return TransferabilityScore(users=int(users), events=int(events), lift=adds.value, bound=adds.low)
