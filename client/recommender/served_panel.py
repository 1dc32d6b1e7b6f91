"""The panel of a served head: its scorers over what was counted, nothing counted, calibrated or weighted anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.panel import Panel, RawPanel
from client.features.local_grams import under_idf
from client.recommender.served_head import ServedHead
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, Scorer
from client.scorers.table import SCORERS
from shared.errors import HeadStoreError


@dataclass(frozen=True, kw_only=True)
class WeighedPanel:
    """A panel with the weights of its columns."""

    panel: Panel
    weights: NDArray[np.float64]
    """[R]"""


def served_panels(served: ServedHead) -> tuple[WeighedPanel, WeighedPanel]:
    """What answers a history, and what answers where there is none: popularity, of items and of their neighbours.

    Raises HeadStoreError where this installation has other scorers than the record weighs.
    """
    data = _fit_data(served)
    try:
        computed = [SCORERS[name][0](data) for name in served.computed]
    except KeyError as error:
        raise HeadStoreError(f"the record weighs the scorer {error}, which is not here; fit it again") from error
    scorers = [*computed, *served.parts.scorers(data.features)]
    used = tuple(scorer for scorer in scorers if {column.name for column in scorer.columns} & set(served.head.names))
    whole = Panel(raw=_raw(served, used), calibrations=served.head.calibrations)
    if whole.names != served.head.names:
        raise HeadStoreError("the record weighs other columns than its scorers have here; fit it again")
    popularity = Panel(raw=_raw(served, (Popularity(data),)), calibrations=served.popularity)
    uniform = np.full(len(popularity.names), DEFAULT.candidates.uniform)
    return WeighedPanel(panel=whole, weights=served.head.weights), WeighedPanel(panel=popularity, weights=uniform)


def _fit_data(served: ServedHead) -> FitData:
    found = served.items.catalogue
    return FitData(
        sequences=Sequences(offsets=np.zeros(1, np.int64), items=np.zeros(0, np.int32)),
        features=found.features,
        neighbours=found.neighbours,
        ordered=True,
        grams=under_idf(served.items.gram_weights),
        statistics=dict(served.statistics),
    )


def _raw(served: ServedHead, scorers: tuple[Scorer, ...]) -> RawPanel:
    return RawPanel(scorers=scorers, n_items=len(served.items.item_ids), repeats=served.repeats)
