"""What a run has reached between two rounds, and the lines of its history."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments

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
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    """by platform and phase, in nats; training rounds only"""
    validation: dict[str, dict[str, float]] = field(default_factory=dict)
    """by platform and part of the encoder, NDCG@10; evaluations only"""
    declined: dict[str, str]
    failed: dict[str, str]
    dropped: dict[str, str]
    missing: tuple[str, ...]
    cosines: dict[str, dict[str, float]] = field(default_factory=dict)
    """between the platforms' updates; training rounds only"""
    weights: dict[str, float] = field(default_factory=dict)
    """how much each update counted; training rounds only"""
    kept: bool = False
    """whether the run would leave this encoder if it ended here (server/rounds/kept_round.py); evaluations only"""
    note: str = ""
    """in words, where the encoder stayed as it was; else empty"""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "platforms": list(self.platforms), "missing": list(self.missing)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        return cls(**{**values, "platforms": tuple(values["platforms"]), "missing": tuple(values["missing"])})


@dataclass(frozen=True, kw_only=True)
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
