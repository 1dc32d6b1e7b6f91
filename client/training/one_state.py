"""The state of one history by a trained history tower, in numpy: what a request costs is calls, not numbers."""

from shared.encoder.array_towers import ArrayTowers
from shared.encoder.towers import HistoryTower, HistoryTowers


def in_arrays(tower: HistoryTower | HistoryTowers) -> ArrayTowers:
    """The same tower over the same numbers; it must not be trained meanwhile."""
    return ArrayTowers({name: parameter.detach().numpy() for name, parameter in tower.named_parameters()})
