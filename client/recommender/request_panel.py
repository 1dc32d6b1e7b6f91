"""The panel for one history at a time: the same log-lifts as ``Panel``'s, with much less to do for each request.

Scorers whose columns are products with the items' vectors read these once together, and columns of a kind are
calibrated together, a few at a time. R columns, n items, L items of a history, C columns of a kind.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.recommender.calibration import TEMPERATURES, Calibration
from client.recommender.packed_vectors import PackedVectors
from client.recommender.panel import Panel
from client.recommender.side_by_side import side_by_side
from client.scorers.encoder_scorers import Named
from client.scorers.scorer import HistoryBatch, Kind, QueryScorer, Scorer

_TINY = 1e-30
_AT_ONCE = 4
"""Columns that are calibrated together: few enough that every core gets some, enough that each step is worth it."""


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
        self._queried = [scorer for scorer in self.scorers if isinstance(scorer, QueryScorer)]
        places = iter(np.argsort(order).tolist())
        self._product_rows: list[int] = []
        self._computed: list[tuple[list[int], Callable[[HistoryBatch], list[torch.Tensor]]]] = []
        for scorer in self.scorers:
            rows = list(islice(places, len(scorer.columns)))
            products = scorer.products if isinstance(scorer, QueryScorer) else 0
            self._product_rows += rows[:products]
            self._computed.append((rows[products:], scorer.rest if isinstance(scorer, QueryScorer) else scorer.score))
        kinds = [columns[row].kind for row in order]
        calibrations = [panel.calibrations[row] for row in order]
        self._alike = [_AlikeColumns(rows, kinds[rows.start], calibrations[rows]) for rows in _alike(kinds)]

    @torch.no_grad()
    def log_lifts(self, history: NDArray[np.int32]) -> torch.Tensor:
        """[R, n] in nats for a history [L]; at its own items too, which say nothing unless they may be recommended."""
        raw = self._raw(history)
        hidden = torch.from_numpy(np.unique(history).astype(np.int64)) if not self.repeats else None
        side_by_side([partial(alike.calibrate, raw, hidden) for alike in self._alike])
        return raw

    def _raw(self, history: NDArray[np.int32]) -> torch.Tensor:
        batch = HistoryBatch(Sequences(offsets=np.array([0, len(history)]), items=history), self._n_items)
        raw = torch.empty(len(self.names), self._n_items)

        def write(rows: list[int], columns: Callable[[], Sequence[torch.Tensor]]) -> None:
            for row, column in zip(rows, columns(), strict=True):
                raw[row] = column

        products = partial(write, self._product_rows, partial(self._products, batch))
        others = [partial(write, rows, partial(work, batch)) for rows, work in self._computed]
        side_by_side([products, *others])
        return raw

    def _products(self, batch: HistoryBatch) -> Sequence[torch.Tensor]:
        return self._items.products([query for scorer in self._queried for query in scorer.queries(batch)])


class _AlikeColumns:
    """Columns of one kind, calibrated together as ``Calibration.log_lift`` does it one by one."""

    def __init__(self, rows: slice, kind: Kind, calibrations: Sequence[Calibration]) -> None:
        self._rows, self._kind = rows, kind
        self._mixture = torch.tensor([one.mixture for one in calibrations])
        self._scales = torch.tensor([one.scale for one in calibrations])[:, None]

    def calibrate(self, raw: torch.Tensor, hidden: torch.Tensor | None) -> None:
        """Write log-lifts over its rows of raw scores [R, n]; ``hidden`` items are no candidates."""
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


def _alike(kinds: Sequence[Kind]) -> Iterator[slice]:
    """Stretches of at most _AT_ONCE columns of one kind."""
    for kind in dict.fromkeys(kinds):
        first, end = kinds.index(kind), kinds.index(kind) + kinds.count(kind)
        for start in range(first, end, _AT_ONCE):
            yield slice(start, min(start + _AT_ONCE, end))


def _inner(scorer: Scorer) -> Scorer:
    return scorer.scorer if isinstance(scorer, Named) else scorer
