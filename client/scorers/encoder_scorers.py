"""The scorers that an encoder brings, under the name of where the encoder came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from client.features.row_matrices import Rows
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, HistoryBatch, Kind, Scorer
from client.training.moments import DECAY
from client.training.one_state import in_arrays, numbers_of
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table, score_histories
from shared.encoder.array_towers import ArrayTowers
from shared.encoder.encoder import Encoder
from shared.encoder.linear import LinearMap
from shared.encoder.towers import HistoryTower, HistoryTowers
from shared.system.device import CPU, Device


class Linear:
    """q_u is the decayed mean of the history's vectors, of length 1."""

    columns = (Column(name="linear", kind=Kind.SIMILARITY),)
    products = 1
    searched = True

    def __init__(self, linear: LinearMap, features: NDArray[np.float32], device: Device = CPU) -> None:
        self.linear = linear
        self.vectors = features
        self._there = None if device == CPU else torch.from_numpy(features).to(device)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        means = batch.mean(DECAY, self.vectors)
        if self._there is not None:
            return [self._scored_there(self.linear.mapped(means), self._there)]
        return [torch.from_numpy(self.linear.scores(means, self.vectors))]

    def _scored_there(self, mapped: NDArray[np.float32], vectors: torch.Tensor) -> torch.Tensor:
        products = torch.from_numpy(mapped).to(vectors.device) @ vectors.T
        return products.cpu().sub_(torch.from_numpy(np.asarray(mapped @ self.linear.mean_y, np.float32))[:, None])

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the column, but for a constant of each history."""
        return [self.linear.mapped(batch.mean(DECAY, self.vectors))]

    def rest(self, _batch: HistoryBatch) -> list[torch.Tensor]:
        """No other column."""
        return []

    def lookups(self, _batch: HistoryBatch, _hidden: Hidden) -> list[Lookup]:
        """No other column.

        Args:
            _batch: B histories, and what scorers share of them.
            _hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column after the products.
        """
        return []


class Sequence:
    """A trained sequence model; its item table is computed once."""

    columns = (Column(name="sequence", kind=Kind.SIMILARITY),)

    def __init__(self, model: SequenceModel, device: Device = CPU) -> None:
        self._model = model.on(device)
        self.table = item_table(self._model)
        self.length = model.length
        """latest items of a history that are read"""

    @property
    def history(self) -> HistoryTower | HistoryTowers:
        """The history tower; not to be trained."""
        return self._model.history

    @property
    def history_numbers(self) -> dict[str, NDArray[np.float32]]:
        """The history tower's parameters by their names."""
        return numbers_of(self.history)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [torch.from_numpy(score_histories(self._model, batch.histories, table=self.table))]

    def state(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """[d] of a history [L], whose products with the table's vectors are the column, but for the biases."""
        vectors = self.table.vectors.numpy()
        latest = items[-self._model.length :]
        return self._one_state.of(vectors[latest]) if len(latest) else np.zeros(vectors.shape[1], np.float32)

    @cached_property
    def _one_state(self) -> ArrayTowers:
        return in_arrays(self._model.history)


class StoredSequence:
    """The same over a table of a record, whose rows are read when they are touched."""

    columns = Sequence.columns

    def __init__(self, tower: HistoryTower | HistoryTowers, length: int, table: Rows) -> None:
        """``tower`` reads the latest ``length`` items; ``table`` [n, d + 1] has the items' vectors and biases."""
        self._state, self._length, self._table = in_arrays(tower), length, table

    def state(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """[d] of a history [L], whose products with the table's vectors are the column, but for the biases."""
        latest = items[-self._length :]
        if not len(latest):
            return np.zeros(self._table.shape[1] - 1, np.float32)
        return self._state.of(self._table[latest][:, :-1])

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]; the whole table is read for it."""
        lists, table = batch.histories, np.asarray(self._table)
        states = [self.state(lists.items[start:end]) for start, end in pairwise(lists.offsets.tolist())]
        return [torch.from_numpy(np.stack(states) @ table[:, :-1].T + table[:, -1])]


@dataclass(frozen=True, eq=False, kw_only=True)
class Solved:
    """What an encoder comes to over one catalogue, so that it need not be worked out again."""

    linear: LinearMap | None
    """None where it has no linear part"""
    table: Rows | None
    """[n, d + 1] vectors and biases of the sequence part; None where it has none"""


@dataclass(frozen=True)
class Named:
    """A scorer whose columns carry a prefix, so that two encoders can stand in one stack."""

    prefix: str
    scorer: Scorer

    @property
    def columns(self) -> tuple[Column, ...]:
        """The scorer's columns as ``prefix:name``."""
        return tuple(Column(name=f"{self.prefix}:{column.name}", kind=column.kind) for column in self.scorer.columns)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The scorer's own scores."""
        return self.scorer.score(batch)


@dataclass(frozen=True, eq=False, kw_only=True)
class KeptEncoder:
    """An encoder as a platform uses it, with the ids it has learnt beside it, for a catalogue of n items."""

    encoder: Encoder
    head: SequenceHead | None = None
    """None where the platform knows nothing of its items beyond their content"""
    solved: Solved | None = None
    """over the catalogue that it serves, where that is read from a record"""

    def scorers(self, prefix: str, features: NDArray[np.float32], device: Device = CPU) -> tuple[Scorer, ...]:
        """``prefix:linear`` and ``prefix:sequence``, those of them that were learnt.

        Args:
            prefix: begins the names of the columns, so that two encoders can stand in one stack.
            features: [n, D] vectors of the catalogue.
            device: where products are computed; scores lie on the CPU.

        Returns:
            The linear scorer, then the sequence scorer; without the one whose part the encoder lacks.
        """
        if self.solved is not None:
            return tuple(Named(prefix, scorer) for scorer in self._opened(self.solved, features))
        scorers: list[Scorer] = []
        if self.encoder.has_linear:
            scorers.append(Named(prefix, Linear(self.encoder.linear_on(features), features, device)))
        if self.encoder.has_sequence:
            scorers.append(Named(prefix, Sequence(self.model(features), device)))
        return tuple(scorers)

    def _opened(self, solved: Solved, features: NDArray[np.float32]) -> Iterator[Scorer]:
        if solved.linear is not None:
            yield Linear(solved.linear, features)
        if solved.table is not None:
            module = self.encoder.sequence_module()
            yield StoredSequence(module.history, module.length, solved.table)

    def model(self, features: NDArray[np.float32]) -> SequenceModel:
        """Its sequence part over ``features`` [n, D]."""
        head = self.head or SequenceHead.initial(len(features), self.encoder.spec.architecture.width)
        return SequenceModel.over(self.encoder.sequence_module(), head, features)

    def on_rows(self, rows: NDArray[np.int64]) -> "KeptEncoder":
        """The same for another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        return KeptEncoder(encoder=self.encoder, head=None if self.head is None else self.head.of_rows(rows))


def encoder_scorers(
    prefix: str,
    encoder: Encoder,
    features: NDArray[np.float32],
    head: SequenceHead | None = None,
    *,
    device: Device = CPU,
) -> tuple[Scorer, ...]:
    """The scorers of an encoder, with the head's ids if given.

    Args:
        prefix: begins the names of the columns.
        encoder: whose linear and sequence part score.
        features: [n, D] vectors of the catalogue.
        head: what was learnt of the catalogue's ids beside the encoder; None: ids add nothing.
        device: where products are computed; scores lie on the CPU.

    Returns:
        The scorers as ``KeptEncoder.scorers`` has them.
    """
    return KeptEncoder(encoder=encoder, head=head).scorers(prefix, features, device)
