"""A platform's part of a training round: its head first, then the encoder, pulled to the received one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.training.loop import TrainingSettings, train_sequence
from client.training.moments import input_moments
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder
from shared.federation.config import LocalSettings
from shared.federation.updates import Trained
from shared.seeding import rng_for
from shared.system.device import CPU, Device


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalRoundResult:
    """What a local round leaves: an update of the encoder may travel, the head stays."""

    trained: Trained
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
    left_out: NDArray[np.float32] | None = None,
    device: Device = CPU,
) -> LocalRoundResult:
    """Train head, then encoder, on the sequences; on the CPU a pure function of its arguments.

    The linear part is returned as it came: it is solved from moments alone.

    Args:
        encoder: as it was received.
        head: the platform's, which stays; None starts one that adds nothing.
        features: [n, D] vectors of the catalogue.
        sequences: the encoder-training users' training events.
        settings: of the round's two phases.
        seed: of the round.
        left_out: [S] what the last round's update left out; None where there was none.
        device: where both are trained.

    Returns:
        The trained encoder, the head, and the mean cross-entropy of each phase in nats.
    """
    head = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    model = SequenceModel.over(encoder.sequence_module(), head, features)
    losses: dict[str, float] = {}

    def train(name: str, phase: TrainingSettings) -> None:
        log = train_sequence(model, sequences, phase, rng_for(seed, "local-round", name), device=device)
        losses.update({name: log.losses[-1]} if log.losses else {})

    train("head", _phase(settings, settings.head_epochs, head_rate=settings.head_rate, encoder_rate=0.0))
    train("encoder", _phase(settings, settings.encoder_epochs, head_rate=0.0, encoder_rate=settings.encoder_rate))
    return LocalRoundResult(
        trained=Trained(
            sent=encoder,
            encoder=encoder.with_sequence(model.towers()),
            limit=settings.clip_norm,
            left_out=left_out,
            seed=seed,
            inputs=lambda: input_moments(
                model, sequences, rng_for(seed, "local-round", "inputs"), batches=settings.steps
            ),
        ),
        head=model.head(),
        losses=losses,
    )


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
        learning_rate_decay=1.0,
    )
