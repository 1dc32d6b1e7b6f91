"""A platform's part of a training round: its head first, then the encoder, pulled to the received one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.training.loop import TrainingSettings, train_sequence
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class RoundSettings:
    """How a platform trains in one round."""

    head_epochs: int = 1
    """passes that train the head alone, the encoder frozen"""
    encoder_epochs: int = 1
    """passes that train the encoder alone, the head frozen (FedRep; Collins et al. 2021)"""
    head_rate: float = 3e-3
    encoder_rate: float = 1e-3
    tokens: int = 2048
    """positions per step"""
    negatives: int = 1024
    """uniform draws per step where the catalogue is too large for the full softmax"""
    proximal: float = 0.01
    """μ of the pull μ/2 ‖θ − θ_received‖² on the encoder (FedProx; Li et al. 2020)"""
    clip_norm: float | None = None
    """longest update sent, as the norm of new minus received encoder; None sets no limit"""
    dropout: float = 0.1
    id_dropout: float = 0.25

    def __post_init__(self) -> None:
        if self.head_epochs < 0 or self.encoder_epochs < 0:
            raise ConfigError("a round's epochs must be 0 or more")
        if self.head_rate <= 0 or self.encoder_rate <= 0:
            raise ConfigError("a round's learning rates must be above 0")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ConfigError(f"the update's clipping norm must be above 0; got {self.clip_norm:g}")

    def phase(self, epochs: int, *, head_rate: float, encoder_rate: float) -> TrainingSettings:
        """The training loop's settings for one of the two phases."""
        return TrainingSettings(
            epochs=epochs,
            head_rate=head_rate,
            encoder_rate=encoder_rate,
            tokens=self.tokens,
            negatives=self.negatives,
            dropout=self.dropout,
            id_dropout=self.id_dropout,
            proximal=self.proximal if encoder_rate else 0.0,
            warm_up=10,
            final_rate=1.0,
        )


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
    settings: RoundSettings,
    seed: int,
) -> LocalRoundResult:
    """Train head, then encoder, on the sequences; a pure function of its arguments.

    ``features`` [n, D]; ``sequences`` are the contributing users' training events; ``head`` None starts one
    that adds nothing. The linear part is returned as it came: it is solved from moments alone.
    """
    head = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    model = SequenceModel.from_encoder(encoder, head, features)
    phases = {
        "head": settings.phase(settings.head_epochs, head_rate=settings.head_rate, encoder_rate=0.0),
        "encoder": settings.phase(settings.encoder_epochs, head_rate=0.0, encoder_rate=settings.encoder_rate),
    }
    losses = {}
    for name, phase in phases.items():
        log = train_sequence(model, sequences, phase, rng_for(seed, "local-round", name))
        losses.update({name: log.losses[-1]} if log.losses else {})
    trained = _clipped(encoder, model.into(encoder), settings.clip_norm)
    return LocalRoundResult(encoder=trained, head=model.head(), losses=losses)


def _clipped(received: Encoder, trained: Encoder, limit: float | None) -> Encoder:
    update = trained.flat.astype(np.float64) - received.flat
    norm = float(np.linalg.norm(update))
    if limit is None or norm <= limit:
        return trained
    flat = received.flat + update * (limit / norm)
    return Encoder(spec=received.spec, flat=flat.astype(np.float32))
