"""The scorers that an encoder brings, under the name of where the encoder came from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, HistoryBatch, Kind, Scorer
from client.training.moments import DECAY
from client.training.one_state import OneState
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table, score_histories
from shared.encoder.encoder import Encoder
from shared.encoder.linear import LinearMap
from shared.system.device import CPU, Device


class Linear:
    """q_u is the decayed mean of the history's vectors, of length 1."""

    columns = (Column(name="linear", kind=Kind.SIMILARITY),)
    products = 1
    searched = True

    def __init__(self, linear: LinearMap, features: NDArray[np.float32], device: Device = CPU) -> None:
        self._linear = linear
        self.vectors = features
        self._there = None if device == CPU else torch.from_numpy(features).to(device)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        means = batch.mean(DECAY, self.vectors)
        if self._there is not None:
            return [self._scored_there(self._linear.mapped(means), self._there)]
        return [torch.from_numpy(self._linear.scores(means, self.vectors))]

    def _scored_there(self, mapped: NDArray[np.float32], vectors: torch.Tensor) -> torch.Tensor:
        products = torch.from_numpy(mapped).to(vectors.device) @ vectors.T
        return products.cpu().sub_(torch.from_numpy(np.asarray(mapped @ self._linear.mean_y, np.float32))[:, None])

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the column, but for a constant of each history."""
        return [self._linear.mapped(batch.mean(DECAY, self.vectors))]

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

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [torch.from_numpy(score_histories(self._model, batch.histories, table=self.table))]

    def state(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """[d] of a history [L], whose products with the table's vectors are the column, but for the biases."""
        vectors = self.table.vectors.numpy()
        latest = items[-self._model.length :]
        return self._one_state.of(vectors[latest]) if len(latest) else np.zeros(vectors.shape[1], np.float32)

    @cached_property
    def _one_state(self) -> OneState:
        return OneState(self._model.history)


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

    def scorers(self, prefix: str, features: NDArray[np.float32], device: Device = CPU) -> tuple[Scorer, ...]:
        """``prefix:linear`` and ``prefix:sequence``, those of them that were learnt.

        Args:
            prefix: begins the names of the columns, so that two encoders can stand in one stack.
            features: [n, D] vectors of the catalogue.
            device: where products are computed; scores lie on the CPU.

        Returns:
            The linear scorer, then the sequence scorer; without the one whose part the encoder lacks.
        """
        scorers: list[Scorer] = []
        if self.encoder.has_linear:
            scorers.append(Named(prefix, Linear(self.encoder.linear_on(features), features, device)))
        if self.encoder.has_sequence:
            scorers.append(Named(prefix, Sequence(self.model(features), device)))
        return tuple(scorers)

    def model(self, features: NDArray[np.float32]) -> SequenceModel:
        """Its sequence part over ``features`` [n, D]."""
        head = self.head or SequenceHead.initial(len(features), self.encoder.spec.architecture.width)
        return SequenceModel.over(self.encoder.sequence_module(), head, features)

    def on_rows(self, rows: NDArray[np.int64]) -> "KeptEncoder":
        """The same for another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        return self if self.head is None else KeptEncoder(encoder=self.encoder, head=self.head.of_rows(rows))


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
