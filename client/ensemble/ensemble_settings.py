"""What may be chosen about a platform's ensemble: cross-fitting, calibration, the stack's examples, what competes."""

from dataclasses import dataclass, field
from itertools import pairwise

from client.scorers.scorer import WHOLE_UP_TO, Kind
from shared.errors import ConfigError
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class CrossFitSettings(Checked):
    """On whose events columns are calibrated and weighted."""

    folds: int = bounded(4, least=2)
    """parts of the training users, each of which is looked at through the statistics of the others"""
    examples: int = bounded(3_000, least=1)
    """most training users whose last training event the stack is fitted on; where they are fewer, earlier events of
    theirs tell how weights shift with the gap since the last event"""
    calibrating: int = bounded(1_000, least=1)
    """of these, for a calibration's few numbers; calibration users come on top, as trained scorers may use no others"""


@dataclass(frozen=True, kw_only=True)
class CalibrationSettings(Checked):
    """The components of a calibration's mixture beside the uniform one, and how their weights are fitted."""

    powers: tuple[float, ...] = bounded((0.5, 1.0, 2.0), above=0)
    """of counts; each is twice the one before"""
    temperatures: tuple[float, ...] = bounded((2.0, 4.0, 8.0, 16.0, 32.0, 64.0), above=0)
    """that similarities are multiplied by before their softmax; each is twice the one before"""
    spread: float = bounded(0.1, above=0)
    """standard deviation over the candidates that similarities are brought to first: that of cosines between texts"""
    steps: int = bounded(100, least=1)
    """of EM"""
    prior: float = bounded(0.5, least=0)
    """examples that each component is given before the first"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("powers", "temperatures"):
            values = getattr(self, name)
            if any(later != 2 * earlier for earlier, later in pairwise(values)):
                raise ConfigError(f"CalibrationSettings.{name} must each be twice the one before; got {values}")

    def of(self, kind: Kind) -> tuple[float, ...]:
        """The components of columns of a kind."""
        return self.powers if kind is Kind.COUNT else self.temperatures


@dataclass(frozen=True, kw_only=True)
class ShortlistSettings(Checked):
    """Which items stand for a catalogue that is too large to be scored whole."""

    whole_up_to: int = bounded(WHOLE_UP_TO, least=0)
    """items up to which every item is scored"""
    offers: int = bounded(30, least=1)
    """best items that each column puts on a history's shortlist, where it has a way to tell them"""
    sample: int = bounded(256, least=1)
    """further items, the same for a batch of histories; each stands for its share of those on no shortlist"""


@dataclass(frozen=True, kw_only=True)
class StackSettings(Checked):
    """What stands for the catalogue beside the target of one of the stack's examples."""

    hard_negatives: int = bounded(150, least=1)
    """the best items under uniform weights"""
    random_negatives: int = bounded(150, least=1)
    """drawn from the rest, of which each stands for its share"""


@dataclass(frozen=True, kw_only=True)
class GapSettings(Checked):
    """By which gaps since a user's last event weights may shift."""

    steps: int = bounded(3, least=2)
    """of the gap, each of which holds as many of the stack's examples"""
    shortest: float = bounded(60.0, above=0)
    """seconds up to which all gaps are the same"""
    least: int = bounded(300, least=1)
    """examples with a known gap below which weights do not depend on it"""


@dataclass(frozen=True, kw_only=True)
class CandidateSettings(Checked):
    """Which weight vectors compete to be a stack, and how one of them is chosen."""

    uniform: float = bounded(0.15, above=0)
    """weight of each column where all count the same, which fitted weights are shrunk to"""
    l2_strengths: tuple[float, ...] = bounded((0.003, 0.01, 0.03, 0.1, 0.3, 1.0), above=0)
    """λ of the fitted weights, one candidate each, in nats per squared weight; they rise"""
    untimed: tuple[float, ...] = bounded((0.03, 0.3), above=0)
    """of these L2 strengths, those with which columns that know no moment are fitted alone, too"""
    by_gap: tuple[float, ...] = bounded((0.003, 0.01, 0.03, 0.1, 0.3), above=0)
    """of these L2 strengths, those of the weights that shift with the gap since a user's last event"""
    least_unseen: int = bounded(10, least=0)
    """examples below which a part that has seen some users is not weighted at all"""
    most_users: int = bounded(4_000, least=1)
    """model-selection users who are drawn to choose"""
    first_users: int = bounded(1_000, least=2)
    """of them, where they are twice as many, those who rank all candidates; the others those alone that may be chosen
    yet"""
    behind: float = bounded(3.0, least=0)
    """standard errors by which a candidate is behind the best of its method when it cannot be chosen any more"""
    twice_up_to: int = bounded(1_000, least=0)
    """model-selection users up to which each is ranked both as somebody whose events are known and as somebody new"""
    few_users: int = bounded(300, least=0)
    """model-selection users below which noise hides even a lift of a half"""
    margin: float = bounded(1.0, least=0)
    """standard errors by which a candidate has to be better than the plain one"""
    margin_of_few: float = bounded(2.0, least=0)
    """the same where fewer than ``few_users`` choose"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(later <= earlier for earlier, later in pairwise(self.l2_strengths)):
            raise ConfigError(f"CandidateSettings.l2_strengths must rise; got {self.l2_strengths}")

    @property
    def strongest(self) -> str:
        """What the name begins with of weights that are fitted with the largest L2 strength."""
        return f"fitted({max(self.l2_strengths):g})"


@dataclass(frozen=True, kw_only=True)
class EnsembleSettings:
    """All of it."""

    cross_fit: CrossFitSettings = field(default_factory=CrossFitSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    shortlist: ShortlistSettings = field(default_factory=ShortlistSettings)
    stack: StackSettings = field(default_factory=StackSettings)
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    gaps: GapSettings = field(default_factory=GapSettings)


DEFAULT = EnsembleSettings()
