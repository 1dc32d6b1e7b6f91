"""A loss that joins the next-item loss in a step of the training loop: what it is given and what it gives.

n items, P positions, m rows of the catalogue in the step, d width.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from client.training.batches import Batch
from client.training.sequence_model import SequenceModel


@dataclass(frozen=True, kw_only=True)
class StepTensors:
    """What a step has computed already; gradients flow back through all of it."""

    model: SequenceModel
    batch: Batch
    states: torch.Tensor
    """[P, d] vectors u"""
    vectors: torch.Tensor
    """[m, d] vectors e"""
    slots: NDArray[np.int64]
    """[n] the row in ``vectors`` of an item that the step holds"""


class FurtherLoss(Protocol):
    """One number per step, added to the mean cross-entropy of the next items."""

    def items(self, batch: Batch) -> NDArray[np.int64]:
        """Rows of the catalogue that the step must hold for it, beside its own."""
        ...

    def loss(self, step: StepTensors, rng: np.random.Generator) -> torch.Tensor:
        """A scalar, its weight taken in."""
        ...
