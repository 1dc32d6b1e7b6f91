"""Scores of a whole catalogue for many histories, with the item table computed once.

NDCG@10 by them, on a bounded sample of validation users, is what early stopping looks at.

B histories, n items, d width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, some
from client.data.sequences import Sequences, select
from client.evaluation.ranking import mask_history, target_ranks
from client.training.batches import last_items
from client.training.sequence_model import SequenceModel

USERS_AT_ONCE = 512
TOKENS_AT_ONCE = 16384


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemTable:
    """The catalogue as the sequence part sees it."""

    vectors: torch.Tensor
    """[n, d]"""
    biases: torch.Tensor
    """[n]"""

    @property
    def joined(self) -> torch.Tensor:
        """[n, d + 1] vectors with their biases as a last number: the score of a state that ends in 1."""
        return torch.cat([self.vectors, self.biases[:, None]], dim=1)


@torch.no_grad()
def item_table(model: SequenceModel) -> ItemTable:
    """Compute it once, then score any number of batches with it.

    Args:
        model: whose vectors e and biases they are; it must not be trained meanwhile.

    Returns:
        The whole catalogue.
    """
    return ItemTable(vectors=model.item_vectors(None), biases=model.b.detach().clone())


@torch.no_grad()
def history_states(model: SequenceModel, table: ItemTable, histories: Sequences) -> torch.Tensor:
    """Vectors u of the histories' last positions.

    Args:
        model: whose history tower reads them; of a longer history it reads the latest ``length`` items.
        table: the catalogue's vectors under the same model.
        histories: B histories, rows of the catalogue, oldest first.

    Returns:
        [B, d], zero for an empty history.
    """
    lengths = np.minimum(histories.lengths(), model.length)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    device = table.vectors.device
    states = torch.zeros(len(histories), table.vectors.shape[1], device=device)
    while len(order):
        # the longest first: nearly no padding, and memory bounded by TOKENS_AT_ONCE
        rows = order[-max(1, TOKENS_AT_ONCE // int(lengths[order[-1]])) :]
        order = order[: -len(rows)]
        items, counts = last_items(histories, rows, model.length)
        last = model.history.last(table.vectors[items.to(device)], counts.to(device))
        states[torch.from_numpy(rows).to(device)] = last
    return states


@torch.no_grad()
def score_histories(
    model: SequenceModel, histories: Sequences, *, table: ItemTable | None = None
) -> NDArray[np.float32]:
    """Scores of the whole catalogue; memory beyond the result does not grow with B.

    Args:
        model: that scores.
        histories: B histories, rows of the catalogue, oldest first.
        table: the catalogue's vectors under the model, to be used again; None: they are computed.

    Returns:
        [B, n] float32.
    """
    return _scores(model, histories, table or item_table(model)).cpu().numpy()


@torch.no_grad()
def _scores(model: SequenceModel, histories: Sequences, table: ItemTable) -> torch.Tensor:
    """[B, n] where the table lies."""
    states = history_states(model, table, histories)
    if len(states) == 1:  # a product with one vector reads the table as it lies, and copies no biases
        return torch.addmv(table.biases, table.vectors, states[0])[None]
    return torch.addmm(table.biases, states, table.vectors.T)


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidationSet:
    """Histories with the item that follows, ranked against the whole catalogue."""

    histories: Sequences
    targets: torch.Tensor
    """[N] int64"""
    hide_seen: bool
    """leave a history's items out of the ranking"""

    @classmethod
    def of(cls, examples: Examples, *, hide_seen: bool) -> "ValidationSet":
        """All of the examples.

        Args:
            examples: histories with the item that follows each.
            hide_seen: whether a history's items are left out of the ranking.

        Returns:
            The set.
        """
        targets = torch.from_numpy(examples.targets.astype(np.int64))
        return cls(histories=examples.histories, targets=targets, hide_seen=hide_seen)

    @classmethod
    def sample(cls, examples: Examples, *, limit: int, hide_seen: bool, rng: np.random.Generator) -> "ValidationSet":
        """At most ``limit`` of the examples, drawn once.

        Args:
            examples: histories with the item that follows each.
            limit: most examples.
            hide_seen: whether a history's items are left out of the ranking.
            rng: draws them.

        Returns:
            The set, its examples in their order.
        """
        return cls.of(some(examples, np.sort(rng.permutation(len(examples))[:limit])), hide_seen=hide_seen)

    def ndcg(self, model: SequenceModel, cutoff: int = 10) -> float:
        """Mean of 1 / log2(1 + rank) where rank <= cutoff, else 0; tied items share their mean rank.

        Args:
            model: that ranks.
            cutoff: last rank that counts.

        Returns:
            From 0 to 1; 0 for a set without examples.
        """
        table = item_table(model)
        total = 0.0
        for start in range(0, len(self.targets), USERS_AT_ONCE):
            rows = np.arange(start, min(start + USERS_AT_ONCE, len(self.targets)))
            histories = select(self.histories, rows)
            targets = self.targets[start : start + len(rows)].to(model.device)
            scores = _scores(model, histories, table)
            if self.hide_seen:
                mask_history(scores, histories, targets)
            ranks = target_ranks(scores, targets)
            total += float(torch.where(ranks <= cutoff, 1 / torch.log2(1 + ranks), 0.0).sum())
        return total / max(len(self.targets), 1)
