"""The columns of a stack in the forms that a device knows: over matrices, vectors and towers, or the same for all.

R columns, n items.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.recommender.served_head import ServedHead, WeighedEnsemble, served_ensembles
from client.scorers import content_idf, content_knn, diffusion, item_knn, repeat_counts
from client.scorers.age import Age
from client.scorers.content_idf import ContentIdf
from client.scorers.content_knn import ContentKnn
from client.scorers.cooccurrence import Matrix
from client.scorers.diffusion import Diffusion
from client.scorers.ease import Ease
from client.scorers.encoder_scorers import Linear, Named
from client.scorers.encoder_scorers import Sequence as SequenceScorer
from client.scorers.item_knn import ItemKnn
from client.scorers.lookups import without_nan
from client.scorers.popularity import Popularity
from client.scorers.recent import Recent
from client.scorers.repeat_counts import RepeatCounts
from client.scorers.scorer import WHOLE_UP_TO, HistoryBatch, Scorer
from client.scorers.shown import Shown
from client.scorers.transition import DEFAULT as TRANSITION
from client.scorers.transition import LONG, Transition
from client.training.moments import DECAY
from shared.errors import HeadStoreError

GRAPHS = {
    "kernel": {"nearest": content_knn.DEFAULT.neighbours, "sharpness": content_knn.DEFAULT.sharpness},
    "squares": {"nearest": 30},
}
"""matrices that a pack holds as cosines of nearest items"""
SIMILARITY, EASE = "item_similarity", "ease"
Form = Mapping[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedStack:
    """Columns as facts of a pack, with their weights."""

    columns: list[dict[str, Any]]
    """[R]"""
    weights: NDArray[np.float32]
    """[G, R] by the gap since the last event, or [1, R]"""

    @property
    def matrices(self) -> set[str]:
        """Names of the matrices that columns walk over."""
        return {str(column[key]) for column in self.columns for key in ("matrix", "first", "then") if key in column}

    def heaviest(self, parts: Collection[str]) -> str:
        """Of these sequence parts the one of the largest weight; empty where none has any."""
        weights = self.weights.mean(0)
        of_parts = {
            str(column["part"]): float(weights[row])
            for row, column in enumerate(self.columns)
            if column["form"] == "sequence" and column["part"] in parts
        }
        return max(of_parts, key=lambda part: of_parts[part], default="")


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedStacks:
    """All that a device ranks by."""

    whole: PackedStack
    """a history"""
    cold: PackedStack
    """nothing at all"""
    shared: NDArray[np.float32]
    """[n, S] what columns say of each item to everybody"""
    encoders: Mapping[str, SequenceScorer]
    """sequence parts by the prefix of their columns"""
    maps: Mapping[str, Linear]
    """linear parts by the prefix of their columns"""


def packed_stacks(served: ServedHead) -> PackedStacks:
    """The stacks of a record in the forms that a device knows.

    Columns without weight are left out. Raises HeadStoreError where a scorer has weight that no device knows.
    """
    ensembles = served_ensembles(served)
    shared: list[NDArray[np.float32]] = []
    whole = _stack(ensembles.whole, shared)
    cold = _stack(ensembles.popularity, shared)
    named = [scorer for scorer in ensembles.whole.ensemble.raw.scorers if isinstance(scorer, Named)]
    parts = {column.get("part") or column.get("map") for column in whole.columns}
    return PackedStacks(
        whole=whole,
        cold=cold,
        shared=np.stack(shared, axis=1),
        encoders={
            each.prefix: each.scorer
            for each in named
            if isinstance(each.scorer, SequenceScorer) and each.prefix in parts
        },
        maps={each.prefix: each.scorer for each in named if isinstance(each.scorer, Linear) and each.prefix in parts},
    )


def statistic_of(statistics: Mapping[str, Matrix], name: str) -> Matrix:
    """The matrix of a name that columns walk over.

    Args:
        statistics: what a record's scorers counted.
        name: of the matrix, without what it was counted with.

    Returns:
        [n, n], dense or sparse.
    """
    return next(matrix for known, matrix in statistics.items() if known.partition("@")[0] == name)


def _stack(weighed: WeighedEnsemble, shared: list[NDArray[np.float32]]) -> PackedStack:
    """What columns say to everybody joins ``shared``."""
    raw, calibrations = weighed.ensemble.raw, weighed.ensemble.calibrations
    weights = np.atleast_2d(weighed.weights).astype(np.float32)
    forms = [form for scorer in raw.scorers for form in _forms(scorer, raw.n_items, shared)]
    columns = [
        {
            "name": column.name,
            "kind": str(column.kind),
            "mixture": list(calibration.mixture),
            "scale": calibration.scale,
            **form,
        }
        for column, calibration, form in zip(raw.columns, calibrations, forms, strict=True)
    ]
    order = sorted(range(len(columns)), key=lambda row: (columns[row]["kind"], columns[row]["form"]))
    used = [row for row in order if weights[:, row].any()]
    return PackedStack(columns=[columns[row] for row in used], weights=np.ascontiguousarray(weights[:, used]))


def _forms(scorer: Scorer, n_items: int, shared: list[NDArray[np.float32]]) -> Iterator[Form]:
    """One for each column of a scorer."""
    if isinstance(scorer, Popularity | Recent | Shown | Age):
        nobody = HistoryBatch(Sequences(offsets=np.zeros(2, np.int64), items=np.zeros(0, np.int32)), n_items)
        for scores in scorer.score(nobody):
            shared.append(without_nan(scores)[0].numpy().astype(np.float32))
            yield {"form": "shared", "row": len(shared) - 1}
    elif isinstance(scorer, Named):
        yield _of_encoder(scorer)
    else:
        yield from _of_events(scorer, n_items)


def _of_encoder(named: Named) -> Form:
    if isinstance(named.scorer, Linear):
        return {"form": "product", "decay": DECAY, "map": named.prefix}
    if isinstance(named.scorer, SequenceScorer):
        return {"form": "sequence", "part": named.prefix}
    raise _unknown(named)


def _of_events(scorer: Scorer, n_items: int) -> Iterator[Form]:
    for kind, forms in _FORMS_OF.items():
        if isinstance(scorer, kind):
            return forms(scorer, n_items)
    raise _unknown(scorer)


def _of_content(_scorer: Scorer, _n_items: int) -> Iterator[Form]:
    decays = content_knn.DEFAULT.decays
    yield from ({"form": "product", "decay": decay, "map": ""} for decay in decays)
    yield from _walks("kernel", decays)


def _of_transition(scorer: Scorer, _n_items: int) -> Iterator[Form]:
    name, _, _ = scorer.columns[0].name.partition("@")
    return _walks(name, (TRANSITION if name == "transition" else LONG).decays)


def _of_diffusion(_scorer: Scorer, n_items: int) -> Iterator[Form]:
    most = 0 if n_items <= WHOLE_UP_TO else diffusion.DEFAULT.steps
    for first, then in (("squares", SIMILARITY), (SIMILARITY, "squares")):
        steps = {"form": "walk-on", "first": first, "then": then, "most": most}
        yield from ({**steps, "decay": decay} for decay in diffusion.DEFAULT.decays)


def _walks(matrix: str, decays: Sequence[float]) -> Iterator[Form]:
    return ({"form": "walk", "matrix": matrix, "decay": decay} for decay in decays)


def _unknown(scorer: Scorer) -> HeadStoreError:
    names = ", ".join(column.name for column in scorer.columns)
    return HeadStoreError(f"the record weighs {names}, which no device knows; fit it without")


_FORMS_OF: Mapping[type, Callable[[Scorer, int], Iterator[Form]]] = {
    ContentKnn: _of_content,
    ContentIdf: lambda _scorer, _n: ({"form": "grams", "decay": decay} for decay in content_idf.DEFAULT.decays),
    ItemKnn: lambda _scorer, _n: _walks(SIMILARITY, item_knn.DEFAULT.decays),
    Transition: _of_transition,
    Diffusion: _of_diffusion,
    Ease: lambda _scorer, _n: _walks(EASE, (1.0,)),
    RepeatCounts: lambda _scorer, _n: (
        {"form": "repeat", "half_life": days} for days in repeat_counts.DEFAULT.half_lives
    ),
}
"""Of a scorer and a catalogue of n items, one form a column."""
