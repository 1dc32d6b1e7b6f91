"""A method: one way in which a platform can recommend, as a row of ``METHODS`` (client/transfer/table.py)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from client.ensemble.baselines import TuneBaseline
from client.ensemble.candidates import OWN_PART
from client.ensemble.cross_fitting import Trained
from client.scorers.scorer import Column
from client.transfer.encoders import Origin
from client.transfer.part_settings import PartSettings
from client.transfer.platform_parts import PlatformParts

MakePart = Callable[[PlatformParts, str], Trained | None]
"""Makes a method's part for a platform, under one of the prefixes in ``Method.kinds``; None where it cannot have it."""


def _one_kind(_settings: PartSettings) -> Iterable[str]:
    return ("",)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How a method is shown in reports."""

    headline: int = 0
    """its place among the methods that may stand for transfer in the first lines; 0: none"""
    weights: int = 0
    """its place among those whose stack's weights are drawn; 0: none"""
    curve: tuple[str, str] | None = None
    """its colour (a name in simulations/report/plots.py) and marker in curves; None: it has no curve"""


@dataclass(frozen=True, kw_only=True)
class Method:
    """What it starts from, what its stack may hold, where it takes part, how it is shown."""

    name: str
    origin: Origin = "own"
    sets: tuple[tuple[str, ...], ...] = ()
    """sets of trained parts that may stand in its stack beside the computed scorers; none: it has no stack"""
    part: str = ""
    """the trained part that it brings, if any"""
    make: MakePart | None = None
    """how that part is made"""
    kinds: Callable[[PartSettings], Iterable[str]] = _one_kind
    """prefixes of the part's names: one for each way in which it is made"""
    competes: bool = False
    """whether the gate may serve it instead of ``local``"""
    after_rounds: str = ""
    """the method that it is once the platform has helped to make the encoder; empty: it has no other name"""
    baseline: TuneBaseline | None = None
    """how it is tuned, where it is one scorer alone"""
    columns: tuple[Column, ...] = ()
    """the scorer's columns of which the best on validation events stands for it in ``evaluate``"""
    in_runs: bool = True
    """whether a run can be asked for it"""
    in_beginnings: bool = False
    """whether a platform in its beginnings is reported with it"""
    in_benchmark: bool = False
    """whether the benchmark's pairs run it, beside the local methods"""
    clicks: bool = False
    """whether it predicts clicks"""
    shown: Shown = field(default_factory=Shown)

    def sets_under(self, settings: PartSettings) -> tuple[tuple[str, ...], ...]:
        """``sets`` for every kind of the part: they compete as further options of the method."""
        return tuple(
            tuple(kind + one if one == self.part else one for one in parts)
            for kind in self.kinds(settings)
            for parts in self.sets
            if settings.own or OWN_PART not in parts
        )


def beside_own(part: str) -> tuple[tuple[str, ...], ...]:
    """The sets of a method that brings ``part``: with what the platform trains alone, and without."""
    return ((part,), (part, OWN_PART))
