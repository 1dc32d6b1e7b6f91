"""What ``assess`` would have said of every cell of the benchmark, by all pairs but the cell's own, and what came."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import Interval, paired_lift
from client.gate.assessment import expected_lift, forecast_of, standard_error
from client.gate.expectation import KnownPair, content_share
from client.gate.gate import GateCandidate
from client.gate.relatedness import Relatedness
from client.transfer.feature import FEATURE
from shared.seeding import rng_for
from simulations.benchmark.pairs import FRACTIONS, Pair, fraction_name
from simulations.benchmark.table import by_user, users_of
from simulations.results.result_document import RESULT_FILE, read_result
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


def measured_cells(finished: Iterable[tuple[Pair, int, Path]]) -> list[Measured]:
    """Every cell in which ``feature`` and its relatedness were measured; one per pair, seed and fraction."""
    return [one for pair, seed, folder in finished for one in _cells(pair, seed, folder)]


def foretold(cells: Sequence[Measured]) -> list[Foretold]:
    """One for each cell, by the cells of all pairs but its own."""
    return [_foretold(known, found, [one for one, _ in cells if one.name != known.name]) for known, found in cells]


def foretold_table(found: Sequence[Foretold]) -> str:
    """One line per cell in Markdown, then how often a clear lift was foretold rightly, and the interval held."""
    heads = (
        *("pair", "related", "fraction", "choosing users", "adds to content, %", "shown, %"),
        *("expected, %", "came, %", "answer", "right"),
    )
    rows = []
    held = []
    for one in found:
        known, expected = one.known, one.expected
        held += [] if expected is None else [expected.low <= known.lift <= expected.high]
        came = Interval(mean=known.lift, low=known.low, high=known.high)
        rows.append(
            [
                *(known.name, known.related, f"{known.fraction:g}", str(known.users), f"{known.adds:+.1f}"),
                *(f"{known.shown:+.1f}", _words(expected), _words(came), one.answer),
                "-" if one.right is None else "yes" if one.right else "no",
            ]
        )
    right = clear_answers(found)
    total = f"{sum(right)} of {len(right)} answers right where the lift is beyond noise"
    return f"{markdown(heads, rows)}\n{total}; {sum(held)} of {len(held)} lifts within their interval.\n"


def clear_answers(found: Sequence[Foretold]) -> list[bool]:
    """Whether the answer was right, for every cell whose lift is beyond noise."""
    return [one.right for one in found if one.right is not None]


def _foretold(known: KnownPair, found: GateCandidate, others: Sequence[KnownPair]) -> Foretold:
    expected = expected_lift(found, known.users, others, known.content)
    answer, _reason = forecast_of(found, known.users, "", expected, None)
    right = answer == ("yes" if known.lift > 0 else "no") if known.is_clear else None
    return Foretold(known=known, expected=expected, answer=answer, right=right)


def _cells(pair: Pair, seed: int, folder: Path) -> Iterator[Measured]:
    platforms = read_result(folder / RESULT_FILE)["platforms"]
    for fraction in FRACTIONS:
        name = fraction_name(fraction)
        (verdict,) = platforms[name]["gate"]
        found = _candidate(verdict["candidates"].get(FEATURE.name))
        users = users_of(folder, name)
        rng = rng_for(seed, "foretold", pair.name, name)
        lift = paired_lift(by_user(users, FEATURE.name), by_user(users, LOCAL), rng)
        if found is None or found.relatedness is None or found.lift is None or found.bound is None or lift is None:
            continue
        contenders = len(verdict["candidates"]) - 1
        known = KnownPair(
            name=pair.name,
            related=pair.relatedness,
            fraction=fraction,
            users=verdict["users"],
            adds=found.relatedness.lift,
            content=content_share(
                platforms[name]["scorers"], platforms[name]["methods"][LOCAL]["tuned"]["validation"][0]
            ),
            shown=found.lift,
            error=standard_error(found.lift, found.bound, contenders),
            lift=lift.mean,
            low=lift.low,
            high=lift.high,
        )
        yield known, found


def _candidate(values: Mapping[str, Any] | None) -> GateCandidate | None:
    if values is None:
        return None
    related = values["relatedness"]
    return GateCandidate(**{**values, "relatedness": None if related is None else Relatedness(**related)})


def _words(lift: Interval | None) -> str:
    return "-" if lift is None else f"{lift.mean:+.1f} [{lift.low:+.1f}, {lift.high:+.1f}]"
