"""Scores of a whole catalogue for many histories, with the item table computed once.

B histories, n items, d width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.training.batches import last_items
from client.training.sequence_model import SequenceModel

TOKENS_AT_ONCE = 16384


@dataclass(frozen=True, kw_only=True)
class ItemTable:
    """The catalogue as the sequence part sees it."""

    vectors: torch.Tensor
    """[n, d]"""
    biases: torch.Tensor
    """[n]"""


@torch.no_grad()
def item_table(model: SequenceModel) -> ItemTable:
    """Compute it once, then score any number of batches with it."""
    return ItemTable(vectors=model.item_vectors(None), biases=model.b.detach().clone())


@torch.no_grad()
def history_states(model: SequenceModel, table: ItemTable, histories: Sequences) -> torch.Tensor:
    """[B, d] vectors u of the histories' last positions; zero for an empty history."""
    lengths = np.minimum(histories.lengths(), model.length)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    states = torch.zeros(len(histories), table.vectors.shape[1])
    while len(order):
        # the longest first: nearly no padding, and memory bounded by TOKENS_AT_ONCE
        rows = order[-max(1, TOKENS_AT_ONCE // int(lengths[order[-1]])) :]
        order = order[: -len(rows)]
        items, counts = last_items(histories, rows, model.length)
        states[torch.from_numpy(rows)] = model.history.last(table.vectors[items], counts)
    return states


@torch.no_grad()
def score_histories(
    model: SequenceModel, histories: Sequences, *, table: ItemTable | None = None
) -> NDArray[np.float32]:
    """[B, n] float32 scores; memory beyond the result does not grow with B. Pass ``table`` to reuse it."""
    table = table or item_table(model)
    states = history_states(model, table, histories)
    if len(states) == 1:  # a product with one vector reads the table as it lies, and copies no biases
        return torch.addmv(table.biases, table.vectors, states[0])[None].numpy()
    return torch.addmm(table.biases, states, table.vectors.T).numpy()
