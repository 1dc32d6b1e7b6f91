"""The numbers of one fit's components."""

from dataclasses import dataclass, field

from client.ensemble.ensemble_settings import EnsembleSettings
from client.gate.gate import GateSettings
from client.gate.relatedness import RelatednessSettings
from client.scorers.table import ScorerSettings


@dataclass(frozen=True, kw_only=True)
class ComponentSettings:
    """A simulation may choose them; what a platform serves is fitted under the defaults."""

    scorers: ScorerSettings = field(default_factory=ScorerSettings)
    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    relatedness: RelatednessSettings = field(default_factory=RelatednessSettings)


DEFAULT = ComponentSettings()
