"""The numbers of what is fitted on one platform, component by component."""

from dataclasses import dataclass, field

from client.ensemble.baselines import BaselineSettings
from client.ensemble.ensemble_settings import EnsembleSettings
from client.ensemble.rerank import RerankSettings
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
    rerank: RerankSettings = field(default_factory=RerankSettings)
    baselines: BaselineSettings = field(default_factory=BaselineSettings)


DEFAULT = ComponentSettings()
