"""NDCG@10 on a bounded sample of validation users: what early stopping looks at."""

from dataclasses import dataclass

import numpy as np
import torch

from client.data.platform import Examples, Sequences
from client.data.splits import select, some
from client.evaluation.ranking import mask_history, target_ranks
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import item_table, score_histories

USERS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class ValidationSet:
    """Histories with the item that follows, ranked against the whole catalogue."""

    histories: Sequences
    targets: torch.Tensor
    """[N] int64"""
    hide_seen: bool
    """leave a history's items out of the ranking"""

    @classmethod
    def of(cls, examples: Examples, *, hide_seen: bool) -> "ValidationSet":
        """All of the examples."""
        targets = torch.from_numpy(examples.targets.astype(np.int64))
        return cls(histories=examples.histories, targets=targets, hide_seen=hide_seen)

    @classmethod
    def sample(cls, examples: Examples, *, limit: int, hide_seen: bool, rng: np.random.Generator) -> "ValidationSet":
        """At most ``limit`` of the examples, drawn once."""
        chosen = np.sort(rng.permutation(len(examples))[:limit])
        return cls.of(some(examples, chosen), hide_seen=hide_seen)

    def ndcg(self, model: SequenceModel, cutoff: int = 10) -> float:
        """Mean of 1 / log2(1 + rank) where rank <= cutoff, else 0; tied items share their mean rank."""
        table = item_table(model)
        total = 0.0
        for start in range(0, len(self.targets), USERS_AT_ONCE):
            rows = np.arange(start, min(start + USERS_AT_ONCE, len(self.targets)))
            histories = select(self.histories, rows)
            targets = self.targets[start : start + len(rows)]
            scores = torch.from_numpy(score_histories(model, histories, table=table))
            if self.hide_seen:
                mask_history(scores, histories, targets)
            ranks = target_ranks(scores, targets)
            gains = 1 / torch.log2(1 + ranks)
            total += float(torch.where(ranks <= cutoff, gains, 0.0).sum())
        return total / max(len(self.targets), 1)
