"""What a received encoder brought on the pairs of the benchmark: figures by which a newcomer's prospects are judged."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from io import StringIO

FILE = "known_pairs.csv"
"""Beside this module; written by ``graft-sim benchmark --known-pairs``."""


_KINDS = {"name": str, "related": str, "users": int}
"""Of the fields that are no floating-point numbers."""


@dataclass(frozen=True, kw_only=True)
class KnownPair:
    """One pair at one fraction of the target's training users, under one seed; lifts are percent."""

    name: str
    related: str
    """its class of relatedness, in words"""
    fraction: float
    users: int
    """choosing users"""
    adds: float
    """what the encoder adds to content over past events (``Relatedness.lift``)"""
    content: float
    """how near content alone comes to ``local`` (``content_share``)"""
    shown: float
    """lift of ``feature`` over ``local`` that the gate's cross-validation showed, in NDCG without a cutoff"""
    error: float
    """its standard error"""
    lift: float
    """of ``feature`` over ``local`` on test events, NDCG@10"""
    low: float
    high: float
    """the 95 % interval of ``lift``"""

    @property
    def is_clear(self) -> bool:
        """Whether the lift is beyond noise."""
        return self.low > 0 or self.high < 0


@cache
def known_pairs() -> tuple[KnownPair, ...]:
    """All that this release knows."""
    return read_pairs(files(__package__).joinpath(FILE).read_text("utf-8"))


def read_pairs(content: str) -> tuple[KnownPair, ...]:
    """The inverse of ``write_pairs``."""
    kinds = {field.name: _KINDS.get(field.name, float) for field in fields(KnownPair)}
    rows = csv.DictReader(StringIO(content))
    return tuple(KnownPair(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows)


def write_pairs(pairs: Iterable[KnownPair]) -> str:
    """As comma-separated values with a line of names; numbers to four digits."""
    stream = StringIO()
    writer = csv.DictWriter(stream, [field.name for field in fields(KnownPair)], lineterminator="\n")
    writer.writeheader()
    for pair in pairs:
        writer.writerow({name: _short(value) for name, value in asdict(pair).items()})
    return stream.getvalue()


def nearest_pair(adds: float, pairs: Sequence[KnownPair]) -> KnownPair | None:
    """The one whose encoder adds most nearly as much to content; None where none is known."""
    return min(pairs, key=lambda pair: abs(pair.adds - adds), default=None)


def _short(value: str | int | float) -> str | int:
    return f"{value:.4g}" if isinstance(value, float) else value
