"""The figures of finished cells, one a row: of which pair, platform, seed, method and metric, and its interval.

The page is made from these rows alone, whether they were measured in a folder of cells or read from a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from client.evaluation.lift import Interval
from simulations.benchmark.pairs import Pair, fraction_name

NDCG = "ndcg@10"
VALIDATION = "validation ndcg@10"
OVER_LOCAL = "lift over local, %"
OVER_BEST = "lift over the best local method by validation, %"
OVER_CONTENT = "lift over content-knn, %"
OVER_POOLED = "lift over pooled, %"
OVER_FIRST = "lift over federated of the first federation, %"
SEEDS = "seeds"
TEST_USERS = "test users"
PAIRS_AVERAGED = "pairs"
SELECTION_USERS = "choosing users"
GATE_ACCEPTS = "gate accepts"
GATE_NDCG = "ndcg in the gate"
GATE_LIFT = "lift over local in the gate, %"
"""Its ``low`` is the lift that it exceeds at the gate's corrected level."""
ADDS = "lift of content with the encoder over content, %"
"""The transferability score; its ``low`` is the lift that it exceeds with 99 % confidence."""
ADDS_USERS = "users of the transferability score"
ADDS_EVENTS = "events of the transferability score"
CONTENT_SHARE = "content over local"
SECONDS = "seconds"
MOMENTS_SECONDS = "seconds of the moments rounds"
TRAINING_SECONDS = "seconds of the training rounds"
BYTES_UP = "bytes up a member and training round"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a figure speaks of."""

    name: str = ""
    """of a pair, a federation or a comparison of ways; empty: several pairs together"""
    related: str = ""
    """the pair's class, or the group of pairs"""
    platform: str = ""
    """as in the run; empty: all that the run reports"""
    seed: int | None = None
    """None: all seeds"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row; the key of a figure is its place, its method and its metric."""

    place: Place
    method: str = ""
    """empty where the figure is of no method"""
    metric: str
    value: float
    low: float | None = None
    """ends of the 95 % interval, where there is one"""
    high: float | None = None
    options: str | None = None
    """digest of the run's options but for its seed; None where several runs are behind the figure"""
    versions: str | None = None
    """of Python, Graft and the libraries that can change a number"""


@dataclass(frozen=True, eq=False)
class Figures:
    """All figures, and one of them by its key."""

    rows: Sequence[Figure]

    @cached_property
    def _by_key(self) -> dict[tuple[Place, str, str], Figure]:
        return {(row.place, row.method, row.metric): row for row in self.rows}

    @cached_property
    def _seeds(self) -> dict[str, list[int]]:
        seeds: dict[str, set[int]] = {}
        for row in self.rows:
            if row.place.seed is not None:
                seeds.setdefault(row.place.name, set()).add(row.place.seed)
        return {name: sorted(numbers) for name, numbers in seeds.items()}

    def get(self, place: Place, method: str, metric: str) -> Figure | None:
        """The figure of this key.

        Args:
            place: what it speaks of.
            method: name of the method; empty where the figure is of no method.
            metric: name of the metric.

        Returns:
            The figure; None where it was not measured.
        """
        return self._by_key.get((place, method, metric))

    def value(self, place: Place, method: str, metric: str) -> float | None:
        """The value alone.

        Args:
            place: what it speaks of.
            method: name of the method; empty where the figure is of no method.
            metric: name of the metric, which says the unit.

        Returns:
            The value; None where it was not measured.
        """
        figure = self.get(place, method, metric)
        return None if figure is None else figure.value

    def interval(self, place: Place, method: str, metric: str) -> Interval | None:
        """The value with its 95 % interval.

        Args:
            place: what it speaks of.
            method: name of the method; empty where the figure is of no method.
            metric: name of the metric, which says the unit.

        Returns:
            The interval; None where it was not measured or has none.
        """
        figure = self.get(place, method, metric)
        if figure is None or figure.low is None or figure.high is None:
            return None
        return Interval(mean=figure.value, low=figure.low, high=figure.high)

    def seeds(self, name: str) -> list[int]:
        """The seeds under which a pair, federation or comparison of ways has figures, ascending."""
        return self._seeds.get(name, [])


def place_of(pair: Pair, fraction: float | None = None, seed: int | None = None) -> Place:
    """Of a pair's target at a fraction of its training users, or of the pair as a whole.

    Args:
        pair: of the grid.
        fraction: of the target's training users, above 0 and at most 1; None: the pair as a whole.
        seed: of the run; None: all seeds.

    Returns:
        What a figure speaks of.
    """
    platform = "" if fraction is None else fraction_name(fraction)
    return Place(name=pair.name, related=pair.pair_class, platform=platform, seed=seed)


def group_place(group: str, fraction: float | None = None) -> Place:
    """Of a group of pairs at a fraction, or at all fractions together.

    Args:
        group: name of the group, or of a class of pairs.
        fraction: of the targets' training users, above 0 and at most 1; None: all fractions.

    Returns:
        What a figure speaks of.
    """
    return Place(related=group, platform="" if fraction is None else fraction_name(fraction))


def interval_figure(place: Place, method: str, metric: str, interval: Interval | None) -> list[Figure]:
    """One row, or none where there is no interval.

    Args:
        place: what it speaks of.
        method: name of the method.
        metric: name of the metric, which says the unit.
        interval: the value with its 95 % interval; None where there is none.

    Returns:
        A list of one figure; an empty one without an interval.
    """
    if interval is None:
        return []
    return [
        Figure(place=place, method=method, metric=metric, value=interval.mean, low=interval.low, high=interval.high)
    ]


def lift_text(interval: Interval | None) -> str:
    """``+12.3 [+4.0, +20.1]``, or a dash."""
    return "-" if interval is None else f"{interval.mean:+.1f} [{interval.low:+.1f}, {interval.high:+.1f}]"
