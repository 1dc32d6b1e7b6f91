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


def encoder_scorers(
    prefix: str, encoder: Encoder, features: NDArray[np.float32], head: SequenceHead | None = None
) -> tuple[Scorer, ...]:
    """``prefix:linear`` (where the linear part is solved) and ``prefix:sequence``, with the head's ids if given."""
    linear = encoder.linear()
    own = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    sequence = Named(prefix, Sequence(SequenceModel.from_encoder(encoder, own, features)))
    if not linear.W.any():
        return (sequence,)
    return (Named(prefix, Linear(linear, features)), sequence)
