"""A method: one way in which a platform can recommend, as a row of ``METHODS`` (client/transfer/table.py).

It starts from the encoders that came to the platform, and from what is trained there under one seed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.ensemble.baselines import TuneBaseline
from client.ensemble.candidates import OWN_PART
from client.ensemble.cross_fitting import Trained
from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings
from client.features.prepared_platform import PreparedPlatform
from client.scorers.scorer import Column
from client.scorers.table import SCORERS, ScorerTable
from client.transfer.part_settings import PartSettings
from shared.encoder.encoder import Encoder

Made = TypeVar("Made")
Origin = Literal["federated", "own", "pooled", "previous", "received"]
"""What a method starts from: the encoder after federated rounds, nothing but the platform's own events, an encoder
trained on all platforms' users in one place, the encoder served until now, or one that another platform pretrained."""

Form = Literal["as it came", "taught", "tuned"]
"""What became of the encoder on the platform; one that it taught is another encoder."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReceivedEncoder:
    """An encoder, and what is known of its making."""

    encoder: Encoder
    seen: bool
    """whether the platform's encoder-training users helped to make it"""
    released: Mapping[str, Any] = field(default_factory=dict)
    """calibration of its source's scorers, by column, as JSON values; empty where it is not known"""
    origin: str = ""
    """digest of the encoder of which this may be a tuned form; known of the one that is served"""

    def unseen(self, platform: Platform) -> NDArray[np.int64]:
        """Rows of the training users whom it has not seen."""
        return unseen_by_rounds(platform) if self.seen else platform.training_users


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """By origin; None where no method needs it."""

    received: ReceivedEncoder | None = None
    federated: ReceivedEncoder | None = None
    pooled: ReceivedEncoder | None = None
    previous: ReceivedEncoder | None = None
    item_moments: Mapping[str, Any] = field(default_factory=dict)
    """of the source's catalogue, as JSON values; empty where it is too small to tell"""

    @property
    def none_came(self) -> bool:
        """Whether the platform has none but its own."""
        return all(encoder is None for encoder in (self.received, self.federated, self.pooled, self.previous))

    def of(self, origin: Origin) -> ReceivedEncoder | None:
        """The encoder of this origin, if there is one."""
        encoder: ReceivedEncoder | None = getattr(self, origin, None)
        return encoder


def unseen_by_rounds(platform: Platform) -> NDArray[np.int64]:
    """Rows of the training users whom an encoder has not seen that this platform took part in making."""
    return platform.calibration_users if platform.contributes else platform.training_users


class PlatformParts:
    """All that a method makes its part from."""

    def __init__(
        self,
        prepared: PreparedPlatform,
        encoders: Encoders,
        settings: PartSettings,
        seed: int,
        scorers: ScorerTable = SCORERS,
        ensemble: EnsembleSettings = DEFAULT,
    ) -> None:
        """``scorers`` and ``ensemble`` are those of a stack that teaches."""
        self.prepared, self.encoders, self.settings, self.seed = prepared, encoders, settings, seed
        self.scorers, self.ensemble = scorers, ensemble
        self._made: dict[str, Any] = {}

    def once(self, what: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives at the first call under this name.

        Args:
            what: the name.
            make: makes it; called at the first call alone.

        Returns:
            What was made then.
        """
        if what not in self._made:
            self._made[what] = make()
        value: Made = self._made[what]
        return value

    def and_of(self, others: "PlatformParts") -> "PlatformParts":
        """Itself, with what was made of the others alone.

        Args:
            others: parts of the same platform; what was made here stands before what was made there.

        Returns:
            Itself.
        """
        self._made = {**others._made, **self._made}
        return self


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
    form: Form = "tuned"
    """of the encoder in that part; one as it came has seen no user of the platform since"""
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
            tuple(kind + part if part == self.part else part for part in parts)
            for kind in self.kinds(settings)
            for parts in self.sets
            if settings.own or OWN_PART not in parts
        )


def beside_own(part: str) -> tuple[tuple[str, ...], ...]:
    """The sets of a method that brings ``part``: with what the platform trains alone, and without."""
    return ((part,), (part, OWN_PART))
