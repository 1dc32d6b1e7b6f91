"""A platform's part of a training round: its head first, then the encoder, pulled to the received one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.training.loop import TrainingSettings, train_sequence
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.config import LocalSettings
from shared.encoder.encoder import Encoder
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class LocalRoundResult:
    """What a local round leaves: the encoder may travel, the head stays."""

    encoder: Encoder
    head: SequenceHead
    losses: dict[str, float]
    """mean cross-entropy of the last epoch of each phase (``head``, ``encoder``), in nats"""


def run_local_round(
    *,
    encoder: Encoder,
    head: SequenceHead | None,
    features: NDArray[np.float32],
    sequences: Sequences,
    settings: LocalSettings,
    seed: int,
) -> LocalRoundResult:
    """Train head, then encoder, on the sequences; a pure function of its arguments.

    ``features`` [n, D]; ``sequences`` are the contributing users' training events; ``head`` None starts one
    that adds nothing. The linear part is returned as it came: it is solved from moments alone.
    """
    head = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    model = SequenceModel.from_encoder(encoder, head, features)
    phases = {
        "head": _phase(settings, settings.head_epochs, head_rate=settings.head_rate, encoder_rate=0.0),
        "encoder": _phase(settings, settings.encoder_epochs, head_rate=0.0, encoder_rate=settings.encoder_rate),
    }
    losses = {}
    for name, phase in phases.items():
        log = train_sequence(model, sequences, phase, rng_for(seed, "local-round", name))
        losses.update({name: log.losses[-1]} if log.losses else {})
    trained = _clipped(encoder, model.into(encoder), settings.clip_norm)
    return LocalRoundResult(encoder=trained, head=model.head(), losses=losses)


def _phase(settings: LocalSettings, epochs: int, *, head_rate: float, encoder_rate: float) -> TrainingSettings:
    return TrainingSettings(
        epochs=epochs,
        head_rate=head_rate,
        encoder_rate=encoder_rate,
        tokens=settings.tokens,
        steps=settings.steps,
        negatives=settings.negatives,
        dropout=settings.dropout,
        id_dropout=settings.id_dropout,
        proximal=settings.proximal if encoder_rate else 0.0,
        warm_up=10,
        final_rate=1.0,
    )


def _clipped(received: Encoder, trained: Encoder, limit: float) -> Encoder:
    """The longest update is ``limit``, as the norm of new minus received encoder; 0 sets none."""
    update = trained.flat.astype(np.float64) - received.flat
    norm = float(np.linalg.norm(update))
    if limit == 0 or norm <= limit:
        return trained
    flat = received.flat + update * (limit / norm)
    return Encoder(spec=received.spec, flat=flat.astype(np.float32))
