"""What may be chosen about the parts that a platform trains."""

from dataclasses import dataclass, field

from client.training.distillation import DistillationSettings
from client.training.local_id import LocalIdSettings
from client.training.loop import TrainingSettings
from client.transfer.alignment import Alignment, AlignmentSettings, parse_alignment
from shared.errors import ConfigError
from shared.system.options import Checked, bounded

HEAD_PHASE = TrainingSettings(epochs=5, encoder_rate=0.0, head_rate=3e-3, warm_up=20, patience=2, steps=32)
BOTH_PHASE = TrainingSettings(epochs=8, encoder_rate=2e-4, head_rate=1e-3, warm_up=20, patience=2, steps=32)

TEACHERS = ("encoder", "stack")


@dataclass(frozen=True, kw_only=True)
class TuningSettings(Checked):
    """The head first, the encoder frozen; then both, the encoder at a smaller rate (LP-FT; Kumar et al. 2022)."""

    head: TrainingSettings = HEAD_PHASE
    both: TrainingSettings = BOTH_PHASE
    moments_weight: float = bounded(0.0, least=0)
    """how often each own pair counts when the linear part is moved (``joined``); 0 leaves it as it came"""
    rank: int = bounded(0, least=0)
    """of the low-rank adapter that the second phase trains in the place of the towers' matrices; 0 trains these"""
    rank_rate: float = bounded(10.0, above=0)
    """how much faster an adapter trains than the numbers in whose place it stands (docs/decisions/0006): a product
    starts at 0, and reaches only what its random factor lets through"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head.encoder_rate != 0:
            raise ConfigError("the first phase of tuning leaves the encoder frozen: its encoder rate must be 0")


@dataclass(frozen=True, kw_only=True)
class PartSettings(Checked):
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
    aligning: AlignmentSettings = field(default_factory=AlignmentSettings)
    distillation: DistillationSettings = field(default_factory=DistillationSettings)
    encoder_soft_targets: int = bounded(10_000, least=1)
    """most past events after which an encoder that teaches is asked"""
    stack_soft_targets: int = bounded(2_000, least=1)
    """the same of a stack, whose answer costs about thirty of the encoder's"""
    local_id: LocalIdSettings = field(default_factory=LocalIdSettings)
    """of the model of ids only beside the platform's own encoder"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.teacher not in TEACHERS:
            raise ConfigError(f"teacher must be one of {', '.join(TEACHERS)}; got {self.teacher!r}")
        parse_alignment(self.alignment)

    @property
    def soft_targets(self) -> int:
        """Most past events after which the teacher is asked."""
        return self.stack_soft_targets if self.teacher == "stack" else self.encoder_soft_targets

    @property
    def alignments(self) -> dict[str, Alignment | None]:
        """Every way in which the received encoder is tuned, by what the part's name begins with: one, or three."""
        first, *others = parse_alignment(self.alignment, self.aligning)
        return {"": first, **{f"{alignment.kind}-": alignment for alignment in others if alignment is not None}}
