"""The scorers that an encoder brings, under the name of where the encoder came from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.linear import Linear
from client.scorers.scorer import Column, HistoryBatch, Scorer
from client.scorers.sequence import Sequence
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder


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


@dataclass(frozen=True, kw_only=True)
class KeptEncoder:
    """An encoder as a platform uses it, with the ids it has learnt beside it, for a catalogue of n items."""

    encoder: Encoder
    head: SequenceHead | None = None
    """None where the platform knows nothing of its items beyond their content"""

    def scorers(self, prefix: str, features: NDArray[np.float32]) -> tuple[Scorer, ...]:
        """``prefix:linear`` (where the linear part is solved) and ``prefix:sequence``; ``features`` [n, D]."""
        linear = self.encoder.linear()
        sequence = Named(prefix, Sequence(self.model(features)))
        if not linear.W.any():
            return (sequence,)
        return (Named(prefix, Linear(linear, features)), sequence)

    def model(self, features: NDArray[np.float32]) -> SequenceModel:
        """Its sequence part over ``features`` [n, D]."""
        head = self.head or SequenceHead.initial(len(features), self.encoder.spec.architecture.width)
        return SequenceModel.over(self.encoder.sequence_module(), head, features)

    def on_rows(self, rows: NDArray[np.int64]) -> "KeptEncoder":
        """The same for another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        return self if self.head is None else KeptEncoder(encoder=self.encoder, head=self.head.of_rows(rows))


def encoder_scorers(
    prefix: str, encoder: Encoder, features: NDArray[np.float32], head: SequenceHead | None = None
) -> tuple[Scorer, ...]:
    """The scorers of an encoder, with the head's ids if given."""
    return KeptEncoder(encoder=encoder, head=head).scorers(prefix, features)
