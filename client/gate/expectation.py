"""The lift to expect of a received encoder, from what a platform shows before it joins and what pairs before it found.

log(1 + lift) is taken as a weighted sum of two things that can be measured beforehand: log(1 + what cross-validation
shows), shrunk by V / (V + shrinkage) for V model-selection users, and log(1 + what the encoder adds to content), times
how near content alone comes to ``local``: who recommends well without content gains little from more of it. There is no
constant: an encoder that shows nothing and adds nothing is expected to bring nothing. The two weights are a ridge
regression on the known pairs (Hoerl and Kennard 1970); each pair counts the same, however many cells it has.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from client.evaluation.lift import Interval
from shared.system.options import Checked, bounded

FILE = "known_pairs.csv"
"""Beside this module; written by ``graft-sim benchmark --known-pairs``."""


_KINDS = {"name": str, "related": str, "users": int}
"""Of the fields that are no floating-point numbers."""


@dataclass(frozen=True, kw_only=True)
class KnownPair:
    """One pair at one fraction of the target's training users, under one seed; lifts are percent."""

    name: str
    related: str
    """its class, in words"""
    fraction: float
    users: int
    """model-selection users"""
    adds: float
    """what the encoder adds to content over past events (``TransferabilityScore.lift``)"""
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
        writer.writerow(
            {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in asdict(pair).items()}
        )
    return stream.getvalue()


def nearest_pair(adds: float, pairs: Sequence[KnownPair]) -> KnownPair | None:
    """The one whose encoder adds most nearly as much to content.

    Args:
        adds: percent that the encoder adds to content here.
        pairs: the known ones.

    Returns:
        The pair; None where none is known.
    """
    return min(pairs, key=lambda pair: abs(pair.adds - adds), default=None)


Float64 = NDArray[np.float64]

CONTENT = "content-knn@0.6"
"""Column of content alone."""
_FLOOR = -99.0


@dataclass(frozen=True, kw_only=True)
class ExpectationSettings(Checked):
    """How known pairs are believed."""

    shrinkage: float = bounded(100.0, least=0)
    """model-selection users at which what cross-validation shows is believed by half"""
    ridge: float = bounded(0.05, least=0)
    """L2 strength of the two weights, shrunk to 0, as a share of the mean square of the inputs"""
    least_pairs: int = bounded(3, least=2)
    """pairs below which nothing is expected of what they found"""


DEFAULT = ExpectationSettings()


@dataclass(frozen=True, eq=False, kw_only=True)
class Expectation:
    """What known pairs say; made by ``fitted``."""

    weights: Float64
    """[2] of what is shown and of what is added"""
    spread: float
    """standard deviation of log(1 + lift) about what is expected, on pairs left out"""
    settings: ExpectationSettings = DEFAULT

    @classmethod
    def fitted(cls, pairs: Sequence[KnownPair], settings: ExpectationSettings = DEFAULT) -> "Expectation | None":
        """Fit the two weights on known pairs.

        Args:
            pairs: the known ones; cells of one name count together as one pair.
            settings: how pairs are believed.

        Returns:
            What they say; None where pairs of fewer than ``least_pairs`` names are known.
        """
        names = np.array([pair.name for pair in pairs])
        if len(np.unique(names)) < settings.least_pairs:
            return None
        inputs = np.stack([_inputs(pair.shown, pair.adds, pair.content, pair.users, settings) for pair in pairs])
        lifts = np.array([_log_lift(pair.lift) for pair in pairs])
        counts = {name: int((names == name).sum()) for name in np.unique(names)}
        share = np.array([1 / counts[name] for name in names])
        left_out = np.zeros(len(pairs))
        for name in counts:
            group = names == name
            left_out[group] = lifts[group] - inputs[group] @ _ridge(inputs, lifts, share * ~group, settings.ridge)
        spread = float(np.sqrt(np.average(left_out**2, weights=share)))
        return cls(weights=_ridge(inputs, lifts, share, settings.ridge), spread=spread, settings=settings)

    def of(self, *, shown: float, error: float, adds: float, content: float, users: int) -> Interval:
        """The lift in percent and where 95 % of such lifts lie.

        Args:
            shown: as in ``KnownPair``.
            error: as in ``KnownPair``; noise of few users widens the interval.
            adds: as in ``KnownPair``.
            content: as in ``KnownPair``.
            users: model-selection users.
        """
        middle = float(_inputs(shown, adds, content, users, self.settings) @ self.weights)
        noise = float(self.weights[0]) * error / (100 + max(shown, _FLOOR)) * users / (users + self.settings.shrinkage)
        reach = 1.96 * float(np.hypot(self.spread, noise))
        mean, low, high = (100 * float(np.expm1(value)) for value in (middle, middle - reach, middle + reach))
        return Interval(mean=mean, low=low, high=high)


def content_share(scorers: Mapping[str, float], local: float) -> float:
    """NDCG@10 of content alone over that of ``local``, at most 1; 0 where the platform has no content.

    Args:
        scorers: column to its NDCG@10 on the model-selection users' validation events.
        local: NDCG@10 of ``local`` on the same.
    """
    content = scorers.get(CONTENT, 0.0)
    return 1.0 if content >= local else content / local


def _inputs(shown: float, adds: float, content: float, users: int, settings: ExpectationSettings) -> Float64:
    return np.array([_log_lift(shown) * users / (users + settings.shrinkage), _log_lift(adds) * content])


def _log_lift(percent: float) -> float:
    return float(np.log1p(max(percent, _FLOOR) / 100))


def _ridge(inputs: Float64, lifts: Float64, share: Float64, ridge: float) -> Float64:
    """[2] weights shrunk to 0 by ``ridge`` times the mean square of the inputs."""
    weighted = inputs * share[:, None]
    square = weighted.T @ inputs
    strength = ridge * max(float(np.trace(square)) / len(square), 1e-9)
    return np.asarray(np.linalg.solve(square + strength * np.eye(len(square)), weighted.T @ lifts))
