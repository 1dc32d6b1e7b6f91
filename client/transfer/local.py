"""Method ``local``: what a platform can do without anybody else.

Beside the computed scorers its stack may hold an encoder that it trains alone, and a model of ids only beside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import training_sequences
from client.ensemble.candidates import LOCAL, OWN_PART
from client.ensemble.cross_fitting import Trained
from client.features.prepared_platform import PreparedPlatform
from client.features.row_matrices import Rows
from client.scorers.encoder_scorers import KeptEncoder, Named, Sequence, StoredSequence
from client.scorers.scorer import Scorer
from client.training.local_id import tune_local_id, usual_settings
from client.training.loop import TrainingSettings
from client.training.pretraining import early_stopping_set, pretrain
from client.training.sequence_model import SequenceModel
from client.transfer.method import Method, PlatformParts, Shown
from client.transfer.part_settings import PartSettings
from shared.system.device import CPU, Device

IDS_PART = "own-ids"
OWN = TrainingSettings(epochs=20, patience=3, steps=48)
"""Bounded steps let a platform with long histories stop within a pass over them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Own:
    """What was trained."""

    kept: KeptEncoder
    """the encoder with its head"""
    ids: SequenceModel
    """of ids only"""
    table: Rows | None = None
    """[n, d + 1] vectors and biases of ``ids``, where they are read from a record; it has no id rows itself then"""

    def scorers(self, features: NDArray[np.float32], device: Device = CPU) -> tuple[Scorer, ...]:
        """``own:...`` and ``own-ids:sequence``.

        Args:
            features: [n, D] vectors of the catalogue.
            device: where products are computed; scores lie on the CPU.

        Returns:
            The scorers.
        """
        if self.table is None:
            ids: Scorer = Sequence(self.ids, device)
        else:
            ids = StoredSequence(self.ids.history, self.ids.length, self.table)
        return (*self.kept.scorers(OWN_PART, features, device), Named(IDS_PART, ids))

    def on_rows(self, rows: NDArray[np.int64]) -> "Own":
        """For another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        ids = self.ids
        towers = (ids.item, ids.item_norm, ids.history)
        moved = SequenceModel(length=ids.length, towers=towers, head=ids.head().of_rows(rows), features=None)
        return Own(kept=self.kept.on_rows(rows), ids=moved)


def own_models(parts: PlatformParts) -> Own | None:
    """Both models, trained once; None where too few users can train them.

    Ids only is a scorer of its own, not a case of the encoder: trained with content they lean on it, and where content
    says little they learn less (docs/decisions/0003).
    """
    return parts.once(OWN_PART, lambda: _train(parts.prepared, parts.settings, parts.seed))


def _train(prepared: PreparedPlatform, settings: PartSettings, seed: int) -> Own | None:
    platform = prepared.platform
    if not platform.contributes:
        return None
    device = prepared.device
    pretrained = pretrain(platform, prepared.features, prepared.space, settings.preset, OWN, seed, device=device)
    sequences = training_sequences(platform, platform.encoder_users)
    sizes, early_stopping = settings.local_id, early_stopping_set(platform)
    grid = (usual_settings(len(sequences.items), sizes),)
    ids, *_ = tune_local_id(
        sequences, platform.n_items, early_stopping, seed=seed, grid=grid, sizes=sizes, device=device
    )
    return Own(kept=KeptEncoder(encoder=pretrained.encoder, head=pretrained.head), ids=ids)


def _part(parts: PlatformParts, _kind: str) -> Trained | None:
    """The scorers of what was trained alone; they have not seen the calibration users."""
    models, prepared = own_models(parts), parts.prepared
    if models is None:
        return None
    return Trained(
        scorers=models.scorers(prepared.features, prepared.device),
        unseen=prepared.platform.calibration_users,
        kept=models.kept,
    )


STACK = Method(name="stack", sets=((),), shown=Shown(weights=5))
"""the computed scorers alone"""
LOCAL_METHOD = Method(
    name=LOCAL,
    part=OWN_PART,
    sets=((), (OWN_PART,)),
    make=_part,
    in_beginnings=True,
    clicks=True,
    shown=Shown(weights=4, curve=("ink", "s")),
)
