"""What a secure sum costs a party and the coordinator: CPU seconds and bytes, by parties and numbers of a vector.

``python -m benchmarks.secure_sum OUT``: in one process; a set-up for ten sums, then one sum of 10,000 numbers and one
of 1,000,000 in which everybody stays, the same under noise, and one in which a tenth sends nothing. Each message finds
a party that knows nothing but its state, as in a new process. Writes the table to OUT.
"""

import argparse
import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from benchmarks.narrow_tables import narrow_tables
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.setup import forget_setups
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from shared.system.whole_file import write_whole

PARTIES = (3, 8, 32, 100)
LENGTHS = (10_000, 1_000_000)
SUMS = 10
EXPONENT, MOST, SPREAD = -16, 2**16, 2.0**-4
"""values from -1 to 1 in cells of 2^-16; noise of 4,096 cells"""
HEADS = (
    *("parties", "what", "numbers"),
    *("neighbours", "party CPU s", "coordinator CPU s", "party up", "party down"),
)


@dataclass
class Cost:
    """Of one party on the mean, and of the coordinator."""

    parties: int
    party_seconds: float = 0.0
    seconds: float = 0.0
    up: int = 0
    down: int = 0

    def row(self, neighbours: int, what: str, length: int | None) -> tuple[str, ...]:
        """Of the table, in the order of ``HEADS``."""
        size = f"{length:,}" if length else "-"
        up, down = (_size(total / self.parties) for total in (self.up, self.down))
        coordinator_seconds = max(0.0, self.seconds - self.party_seconds)
        party = _seconds(self.party_seconds / self.parties)
        return (str(self.parties), what, size, str(neighbours), party, _seconds(coordinator_seconds), up, down)


@dataclass(eq=False)
class Bench:
    """A set-up whose sums are timed."""

    coordinator: Coordinator
    parties: dict[str, Party]
    vectors: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """by length; all parties send the same one"""

    @classmethod
    def of(cls, count: int, noised: bool) -> "Bench":
        """New keys for all."""
        keys = {f"shop{number:03}": Ed25519PrivateKey.generate() for number in range(count)}
        roster = Roster.of(Member(name, key.public_key().public_bytes_raw()) for name, key in keys.items())
        policy = PartyPolicy(roster, 2)
        parties = {name: Party(name, key, policy) for name, key in keys.items()}
        return cls(Coordinator.of(roster, SetupTerms(sums=SUMS, noised=noised), os.urandom(32)), parties)

    def vector(self, terms: SumTerms) -> NDArray[np.float64]:
        """[P]."""
        if terms.length not in self.vectors:
            self.vectors[terms.length] = np.random.default_rng(0).uniform(-1, 1, terms.length)
        return self.vectors[terms.length]

    def timed(self, gone: Collection[str] = ()) -> Cost:
        """Everything until set-up or sum is done; who is gone sends no vector and nothing after."""
        cost, began = Cost(len(self.parties)), time.process_time()
        while outgoing := self.coordinator.outgoing():
            for name, message in outgoing.items():
                if name not in gone:
                    self._ask(cost, name, message)
            self.coordinator.close()
        cost.seconds = time.process_time() - began
        return cost

    def _ask(self, cost: Cost, name: str, message: bytes) -> None:
        began = time.process_time()
        forget_setups()
        answer = self.parties[name].answer(message, self.vector)
        cost.party_seconds += time.process_time() - began
        cost.up, cost.down = cost.up + len(answer), cost.down + len(message)
        self.coordinator.take(name, answer)


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """Of the table, for so many parties."""
    plain, noised = Bench.of(count, noised=False), Bench.of(count, noised=True)
    for bench, what in ((plain, "set-up of 10 sums"), (noised, "the same, seeds of noise too")):
        cost = bench.timed()
        yield cost.row(_neighbours(bench), what, None)
    for length in LENGTHS:
        terms = SumTerms(length=length, exponent=EXPONENT, most=MOST)
        yield _sum(plain, terms, "sum, everybody stays")
        yield _sum(noised, _with_noise(terms), "sum under noise")
    dropped = list(plain.parties)[: count // 10]
    if dropped:
        fresh = Bench.of(count, noised=False)
        fresh.timed()
        yield _sum(fresh, SumTerms(length=LENGTHS[-1], exponent=EXPONENT, most=MOST), "sum, a tenth drops", dropped)


def _sum(bench: Bench, terms: SumTerms, what: str, gone: Collection[str] = ()) -> tuple[str, ...]:
    bench.vector(terms)
    bench.coordinator.begin(terms)
    return bench.timed(gone).row(_neighbours(bench), what, terms.length)


def _with_noise(terms: SumTerms) -> SumTerms:
    return SumTerms(length=terms.length, exponent=EXPONENT, most=MOST, noise=Noise(spread=SPREAD))


def _neighbours(bench: Bench) -> int:
    return bench.coordinator.neighbours


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def _size(value: float) -> str:
    return f"{value / 1e6:.2f} MB" if value > 1e5 else f"{value / 1e3:.1f} kB"


def page(rows: Sequence[Sequence[str]]) -> str:
    """The tables in Markdown: seconds, then bytes."""
    return narrow_tables(HEADS, rows, keys=3, cuts=(6,))


def main() -> None:
    """The table, row by row as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--parties", type=int, nargs="+", default=PARTIES)
    options = parser.parse_args()
    lines = []
    for count in options.parties:
        for row in rows(count):
            print(" | ".join(row), flush=True)
            lines.append(row)
    write_whole(options.out, page(lines).encode("utf-8"))


if __name__ == "__main__":
    main()
