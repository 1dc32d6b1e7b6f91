"""The encoder's sequence part as a scorer: <u_t, e_i> + b_i."""

import torch

from client.scorers.scorer import Column, HistoryBatch, Kind
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import item_table, score_histories


class Sequence:
    """A trained sequence model; its item table is computed once."""

    columns = (Column(name="sequence", kind=Kind.SIMILARITY),)

    def __init__(self, model: SequenceModel) -> None:
        self._model = model
        self._table = item_table(model)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [torch.from_numpy(score_histories(self._model, batch.histories, table=self._table))]
