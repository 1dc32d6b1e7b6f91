"""What may be chosen about the parts that a platform trains."""

import math
from dataclasses import dataclass, field

from client.training.loop import TrainingSettings
from client.transfer.alignment import Alignment, parse_alignment
from shared.errors import ConfigError

HEAD_PHASE = TrainingSettings(epochs=5, encoder_rate=0.0, head_rate=3e-3, warm_up=20, patience=2, steps=32)
BOTH_PHASE = TrainingSettings(epochs=8, encoder_rate=2e-4, head_rate=1e-3, warm_up=20, patience=2, steps=32)

LESSONS = {"encoder": 10_000, "stack": 2_000}
"""Teacher to how often it is asked at most: an answer of the stack costs about thirty of the encoder's."""
TEACHERS = tuple(LESSONS)


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """The head first, the encoder frozen; then both, the encoder at a smaller rate (LP-FT; Kumar et al. 2022)."""

    head: TrainingSettings = HEAD_PHASE
    both: TrainingSettings = BOTH_PHASE
    moments_weight: float = 0.0
    """how often each own pair counts when the linear part is moved (``joined``); 0 leaves it as it came"""
    rank: int = 0
    """of the low-rank adapter that the second phase trains in the place of the towers' matrices; 0 trains these"""

    def __post_init__(self) -> None:
        if self.head.encoder_rate != 0:
            raise ConfigError("the first phase of tuning leaves the encoder frozen: its encoder rate must be 0")
        if not 0 <= self.moments_weight < math.inf:
            raise ConfigError(f"the weight of own moments must be 0 or more; got {self.moments_weight:g}")
        if self.rank < 0:
            raise ConfigError(f"the rank of the adapter must be 0 or more; got {self.rank}")


@dataclass(frozen=True, kw_only=True)
class PartSettings:
    """The choice; raises ConfigError where a value makes no sense."""

    preset: str
    """of the platform's own encoder"""
    own: bool = True
    """whether stacks may hold what the platform trains alone"""
    teacher: str = "encoder"
    """of method ``knowledge``: one of ``TEACHERS``"""
    alignment: str = "off"
    """while an encoder is tuned: ``off``, ``probe:WEIGHT``, ``coral:WEIGHT``, or ``gate``: all compete"""
    tuning: TuningSettings = field(default_factory=TuningSettings)

    def __post_init__(self) -> None:
        if self.teacher not in TEACHERS:
            raise ConfigError(f"teacher must be one of {', '.join(TEACHERS)}; got {self.teacher!r}")
        parse_alignment(self.alignment)

    @property
    def alignments(self) -> dict[str, Alignment | None]:
        """Every way in which the received encoder is tuned, by what the part's name begins with: one, or three."""
        first, *others = parse_alignment(self.alignment)
        return {"": first, **{f"{one.kind}-": one for one in others if one is not None}}
