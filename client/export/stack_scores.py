"""What a platform's stack says of all items after one history, as one torch module that other runtimes can be given.

L items of a history, n items, D numbers of a content vector, d width, R columns, F of them counted outside, G gaps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from client.ensemble.ensemble_settings import DEFAULT
from client.export.calibrated import Calibrated
from client.export.history_state import HistoryState
from client.packing.packed_columns import PackedStack, PackedStacks
from client.recommender.served_head import ServedHead
from client.scorers.encoder_scorers import Sequence as SequenceScorer
from client.scorers.scorer import Kind

COUNTED = ("walk", "walk-on", "repeat", "grams")
"""forms of columns that are told outside: they rest on sparse matrices, or on the times of events"""
_FORMS = ("shared", *COUNTED, "product", "sequence")
"""in the order in which columns of a kind stand"""
_AT_ONCE = 4
"""columns that are calibrated together"""
Column = Mapping[str, Any]


class StackScores(nn.Module):
    """From a history and what was counted of it outside to the score of each item."""

    weights: torch.Tensor
    shared_counts: torch.Tensor
    shared_likes: torch.Tensor

    def __init__(self, served: ServedHead, stacks: PackedStacks) -> None:
        super().__init__()
        self.columns, weights = _in_order(stacks.whole)
        """[R] those that count first"""
        self.n_items, self._hides = len(served.items.item_ids), not served.repeats
        kinds = [
            [column for column in self.columns if column["kind"] == kind] for kind in (Kind.COUNT, Kind.SIMILARITY)
        ]
        counts, likes = kinds
        self._counts, self._told_counts = len(counts), len(_of_forms(counts, COUNTED))
        self.register_buffer("weights", torch.from_numpy(weights))
        self.register_buffer("shared_counts", _shared(counts, stacks.shared))
        self.register_buffer("shared_likes", _shared(likes, stacks.shared))
        temperature = DEFAULT.calibration.temperatures[0]
        self._of_counts = nn.ModuleList([Calibrated(few, None) for few in _few_at_once(counts)])
        self._of_likes = nn.ModuleList([Calibrated(few, temperature) for few in _few_at_once(likes)])
        products, sequences = _of_forms(likes, ("product",)), _of_forms(likes, ("sequence",))
        parts: list[nn.Module] = [_SequenceColumn(stacks.encoders[column["part"]]) for column in sequences]
        if products:
            parts = [_Products(served.items.catalogue.features, products, stacks), *parts]
        self._of_vectors = nn.ModuleList(parts)

    @property
    def counted(self) -> list[Column]:
        """[F] the columns that are told outside."""
        return _of_forms(self.columns, COUNTED)

    def forward(self, items: torch.Tensor, gap: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
        """Scores after a history.

        Args:
            items: [L] int64 rows of the catalogue, oldest first, at least 1.
            gap: [1] int64 the row of the weights: 0 where the gap since the last event is not known.
            counted: [F, n] float32 raw scores of the columns that are told outside.

        Returns:
            [n] float32; what stands at items that may not be recommended says nothing.
        """
        visible = torch.ones(self.n_items)
        if self._hides:
            visible = visible.index_fill(0, items, 0.0)
        raw_counts = torch.cat([self.shared_counts, counted[: self._told_counts]])
        of_vectors = [part(items) for part in self._of_vectors]
        raw_likes = torch.cat([self.shared_likes, counted[self._told_counts :], *of_vectors])
        weights, total, row = self.weights.index_select(0, gap), torch.zeros(1, self.n_items), 0
        for raw, calibrations in ((raw_counts, self._of_counts), (raw_likes, self._of_likes)):
            start = 0
            for calibrated in calibrations:
                said: torch.Tensor = calibrated(raw[start : start + _AT_ONCE], visible)
                total = total + weights[:, row : row + len(said)] @ said
                start, row = start + len(said), row + len(said)
        return total[0]


class _Products(nn.Module):
    """[P, n] products of the items' content vectors with decayed means of the history's, or what maps make of them."""

    vectors: torch.Tensor

    def __init__(self, vectors: NDArray[np.float32], columns: Sequence[Column], stacks: PackedStacks) -> None:
        super().__init__()
        self._decays = [float(column["decay"]) for column in columns]
        self._maps = [str(column["map"]) for column in columns]
        self.register_buffer("vectors", torch.from_numpy(np.ascontiguousarray(vectors.T)))
        for place, name in enumerate(self._maps):
            if name:
                linear = stacks.maps[name].linear
                self.register_buffer(f"map_{place}", torch.from_numpy(linear.W))
                self.register_buffer(f"mean_{place}", torch.from_numpy(linear.mean_q))

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Of a history [L]."""
        met = self.vectors.index_select(1, items)
        ages = torch.flip(torch.arange(items.shape[0]), (0,)).to(torch.float32)
        totals = [torch.pow(torch.tensor(decay), ages)[None] @ met.T for decay in self._decays]
        return torch.cat([self._query(total, place) for place, total in enumerate(totals)]) @ self.vectors

    def _query(self, total: torch.Tensor, place: int) -> torch.Tensor:
        """[1, D] of a weighed sum of vectors."""
        length = total.square().sum().sqrt()
        mean = total / torch.where(length > 0, length, torch.ones(()))
        if not self._maps[place]:
            return mean
        return (mean - self.get_buffer(f"mean_{place}")) @ self.get_buffer(f"map_{place}")


class _SequenceColumn(nn.Module):
    """[1, n] by a trained sequence part."""

    vectors: torch.Tensor
    biases: torch.Tensor

    def __init__(self, scorer: SequenceScorer) -> None:
        super().__init__()
        table = scorer.table
        self._state = HistoryState(scorer.history, scorer.length, table.vectors.shape[1])
        self.register_buffer("vectors", table.vectors.T.contiguous())
        self.register_buffer("biases", table.biases)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Of a history [L]."""
        latest, count = self._state.latest(items)
        state = self._state.of_latest(self.vectors.index_select(1, latest).T, count)
        return (state[None] @ self.vectors) + self.biases


def _in_order(stack: PackedStack) -> tuple[list[dict[str, Any]], NDArray[np.float32]]:
    """Columns [R] by kind and form, and weights [G, R]."""
    order = sorted(
        range(len(stack.columns)),
        key=lambda row: (stack.columns[row]["kind"] != Kind.COUNT, _FORMS.index(stack.columns[row]["form"])),
    )
    return [stack.columns[row] for row in order], np.ascontiguousarray(stack.weights[:, order])


def _few_at_once(columns: Sequence[Column]) -> list[Sequence[Column]]:
    """As many as stay in a core's own cache."""
    return [columns[start : start + _AT_ONCE] for start in range(0, len(columns), _AT_ONCE)]


def _of_forms(columns: Sequence[Column], forms: Sequence[str]) -> list[Column]:
    """In their order."""
    return [column for column in columns if column["form"] in forms]


def _shared(columns: Sequence[Column], shared: NDArray[np.float32]) -> torch.Tensor:
    """[S, n] what columns say to everybody."""
    rows = [int(column["row"]) for column in _of_forms(columns, ("shared",))]
    return torch.tensor(shared.T[rows])


@torch.no_grad()
def scores_without_history(stacks: PackedStacks) -> NDArray[np.float32]:
    """[n] what ranks items for somebody of whom nothing is known."""
    columns, weights = _in_order(stacks.cold)
    counts = [column for column in columns if column["kind"] == Kind.COUNT]
    likes = columns[len(counts) :]
    visible = torch.ones(len(stacks.shared))
    said = [
        Calibrated(group, temperature)(_shared(group, stacks.shared), visible)
        for group, temperature in ((counts, None), (likes, DEFAULT.calibration.temperatures[0]))
        if group
    ]
    return np.asarray(weights[0] @ torch.cat(said).numpy(), np.float32)
