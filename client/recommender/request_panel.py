"""The panel for one history at a time: the same log-lifts as ``Panel``'s, with much less to do for each request.

Scorers whose columns are products with the items' vectors read these once together, and all columns of a kind are
calibrated together. R columns, n items, L items of a history, C columns of a kind.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.recommender.calibration import TEMPERATURES, Calibration
from client.recommender.packed_vectors import PackedVectors
from client.recommender.panel import Panel
from client.scorers.encoder_scorers import Named
from client.scorers.scorer import HistoryBatch, Kind, QueryScorer, Scorer

_TINY = 1e-30


class RequestPanel:
    """A panel, its weights [R], and the items' vectors [n, D] that its query scorers multiply with.

    Its columns stand in an order of its own, those of a kind side by side.
    """

    def __init__(self, panel: Panel, weights: NDArray[np.float64], features: NDArray[np.float32]) -> None:
        columns = panel.raw.columns
        order = [row for kind in Kind for row, column in enumerate(columns) if column.kind is kind]
        self.names = tuple(columns[row].name for row in order)
        self.weights = torch.from_numpy(weights[order].astype(np.float32))
        self.repeats = panel.raw.repeats
        self.scorers = [_inner(scorer) for scorer in panel.raw.scorers]
        self._n_items = panel.raw.n_items
        self._items = PackedVectors(torch.from_numpy(features))
        self._parts = _parts(self.scorers, np.argsort(order).tolist())
        kinds = [columns[row].kind for row in order]
        calibrations = [panel.calibrations[row] for row in order]
        self._kinds = [_KindOfColumns(kind, kinds, calibrations) for kind in Kind if kind in kinds]

    @torch.no_grad()
    def log_lifts(self, history: NDArray[np.int32]) -> torch.Tensor:
        """[R, n] in nats for a history [L]; at its own items too, which say nothing unless they may be recommended."""
        raw = self._raw(history)
        hidden = torch.from_numpy(np.unique(history).astype(np.int64)) if not self.repeats else None
        for kind in self._kinds:
            kind.calibrate(raw, hidden)
        return raw

    def _raw(self, history: NDArray[np.int32]) -> torch.Tensor:
        batch = HistoryBatch(Sequences(offsets=np.array([0, len(history)]), items=history), self._n_items)
        raw = torch.empty(len(self.names), self._n_items)
        queried: list[int] = []
        queries: list[NDArray[np.float32]] = []
        for scorer, query_scorer, rows in self._parts:
            products = query_scorer.queries(batch) if query_scorer else []
            columns = query_scorer.rest(batch) if query_scorer else scorer.score(batch)
            queried += rows[: len(products)]
            queries += products
            for row, column in zip(rows[len(products) :], columns, strict=True):
                raw[row] = column[0]
        if queried:
            raw[queried] = self._items.products(torch.from_numpy(np.concatenate(queries)))
        return raw


class _KindOfColumns:
    """The columns of one kind, calibrated together as ``Calibration.log_lift`` does it one by one."""

    def __init__(self, kind: Kind, kinds: Sequence[Kind], calibrations: Sequence[Calibration]) -> None:
        self._kind = kind
        self._rows = slice(kinds.index(kind), kinds.index(kind) + kinds.count(kind))
        chosen = calibrations[self._rows]
        self._mixture = torch.tensor([one.mixture for one in chosen])
        self._scales = torch.tensor([one.scale for one in chosen])[:, None]

    def calibrate(self, raw: torch.Tensor, hidden: torch.Tensor | None) -> None:
        """Write log-lifts over the kind's rows of raw scores [R, n]; ``hidden`` items are no candidates."""
        values = self._first(raw[self._rows], hidden)
        m = raw.shape[1] - (0 if hidden is None else len(hidden))
        total = self._mixture[:, -1:].expand(values.shape).clone()
        for component in range(self._mixture.shape[1] - 1):
            if component:
                values.square_()
            sums = values.sum(1, keepdim=True).clamp_(min=_TINY)
            total.addcmul_(values, m * self._mixture[:, component : component + 1] / sums)
        torch.log(total.clamp_(min=_TINY), out=raw[self._rows])

    def _first(self, scores: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
        """[C, n] the first component's values, in place, 0 at hidden items; the next are squares of the ones before."""
        if self._kind is Kind.COUNT:
            values = scores.clamp_(min=0)
            if hidden is not None:
                values[:, hidden] = 0.0
            return values.sqrt_()
        values = scores.mul_(self._scales)
        if hidden is not None:
            values[:, hidden] = -torch.inf
        return values.sub_(values.amax(1, keepdim=True).clamp(min=-1e30)).mul_(TEMPERATURES[0]).exp_()


def _parts(scorers: list[Scorer], rows: list[int]) -> list[tuple[Scorer, QueryScorer | None, list[int]]]:
    """Each scorer, itself again where it has queries, and the rows [its columns] in which they stand."""
    ends = np.cumsum([len(scorer.columns) for scorer in scorers]).tolist()
    return [
        (scorer, scorer if isinstance(scorer, QueryScorer) else None, rows[end - len(scorer.columns) : end])
        for scorer, end in zip(scorers, ends, strict=True)
    ]


def _inner(scorer: Scorer) -> Scorer:
    return scorer.scorer if isinstance(scorer, Named) else scorer
