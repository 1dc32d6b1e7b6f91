"""What may be chosen about a platform's ensemble: cross-fitting, calibration, the stack's examples, what competes."""

from dataclasses import dataclass, field
from itertools import pairwise

from client.scorers.scorer import Kind
from shared.errors import ConfigError
from shared.system.ranges import require_range


@dataclass(frozen=True, kw_only=True)
class CrossFitSettings:
    """On whose events columns are calibrated and weighted."""

    folds: int = 4
    """parts of the training users, each of which is looked at through the statistics of the others"""
    examples: int = 3_000
    """most training users whose last training event the stack is fitted on"""
    calibrating: int = 1_500
    """of these, for a calibration's few numbers; weighting users come on top, as trained scorers may use no others"""

    def __post_init__(self) -> None:
        require_range(self, "folds", least=2)
        require_range(self, "examples", "calibrating", least=1)


@dataclass(frozen=True, kw_only=True)
class CalibrationSettings:
    """The components of a calibration's mixture beside the uniform one, and how their weights are fitted."""

    powers: tuple[float, ...] = (0.5, 1.0, 2.0)
    """of counts; each is twice the one before"""
    temperatures: tuple[float, ...] = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    """that similarities are multiplied by before their softmax; each is twice the one before"""
    spread: float = 0.1
    """standard deviation over the candidates that similarities are brought to first: that of cosines between texts"""
    steps: int = 100
    """of EM"""
    prior: float = 0.5
    """examples that each component is given before the first"""

    def __post_init__(self) -> None:
        require_range(self, "powers", "temperatures", "spread", above=0)
        require_range(self, "steps", least=1)
        require_range(self, "prior", least=0)
        for name in ("powers", "temperatures"):
            values = getattr(self, name)
            if any(later != 2 * one for one, later in pairwise(values)):
                raise ConfigError(f"CalibrationSettings.{name} must each be twice the one before; got {values}")

    def of(self, kind: Kind) -> tuple[float, ...]:
        """The components of columns of a kind."""
        return self.powers if kind is Kind.COUNT else self.temperatures


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """What stands for the catalogue beside the target of one of the stack's examples."""

    hard_negatives: int = 150
    """the best items under uniform weights"""
    random_negatives: int = 150
    """drawn from the rest, of which each stands for its share"""

    def __post_init__(self) -> None:
        require_range(self, "hard_negatives", "random_negatives", least=1)


@dataclass(frozen=True, kw_only=True)
class CandidateSettings:
    """Which weight vectors compete to be a stack, and how one of them is chosen."""

    uniform: float = 0.15
    """weight of each column where all count the same, which fitted weights are pulled to"""
    pulls: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    """λ of the fitted weights, one candidate each, in nats per squared weight; they rise"""
    least_unseen: int = 10
    """examples below which a part that has seen some users is not weighted at all"""
    few_users: int = 300
    """choosing users below which noise hides even a lift of a half"""
    margin: float = 1.0
    """standard errors by which a candidate has to be better than the plain one"""
    margin_of_few: float = 2.0
    """the same where fewer than ``few_users`` choose"""

    def __post_init__(self) -> None:
        require_range(self, "uniform", "pulls", above=0)
        require_range(self, "least_unseen", "few_users", "margin", "margin_of_few", least=0)
        if any(later <= one for one, later in pairwise(self.pulls)):
            raise ConfigError(f"CandidateSettings.pulls must rise; got {self.pulls}")

    @property
    def strongest(self) -> str:
        """What the name begins with of weights that are fitted with the strongest pull."""
        return f"fitted({max(self.pulls):g})"


@dataclass(frozen=True, kw_only=True)
class EnsembleSettings:
    """All of it."""

    cross_fit: CrossFitSettings = field(default_factory=CrossFitSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    stack: StackSettings = field(default_factory=StackSettings)
    candidates: CandidateSettings = field(default_factory=CandidateSettings)


DEFAULT = EnsembleSettings()
