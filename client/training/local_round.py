"""A platform's part of a training round: its head first, then the encoder, pulled to the received one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.training.loop import TrainingSettings, train_sequence
from client.training.low_rank_cut import cut, input_moments
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.adapters import Adapter
from shared.encoder.encoder import Encoder
from shared.encoder.step import rows
from shared.federation.config import LocalSettings
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class LocalRoundResult:
    """What a local round leaves: the update may travel, the head stays."""

    update: Encoder | Adapter
    """the trained encoder, or an adapter with the most of what training changed"""
    head: SequenceHead
    losses: dict[str, float]
    """mean cross-entropy of the last epoch of each phase (``head``, ``encoder``), in nats"""
    left_out: NDArray[np.float32] | None
    """[S] what an adapter leaves out of the sequence part's change; None where the encoder travels"""


def run_local_round(
    *,
    encoder: Encoder,
    head: SequenceHead | None,
    features: NDArray[np.float32],
    sequences: Sequences,
    settings: LocalSettings,
    seed: int,
    left_out: NDArray[np.float32] | None = None,
) -> LocalRoundResult:
    """Train head, then encoder, on the sequences; a pure function of its arguments.

    ``features`` [n, D]; ``sequences`` are the contributing users' training events; ``head`` None starts one
    that adds nothing; ``left_out`` [S] is what the last round's adapter left out, and goes into this one's. The linear
    part is returned as it came: it is solved from moments alone.
    """
    head = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    model = SequenceModel.from_encoder(encoder, head, features)
    losses: dict[str, float] = {}

    def train(name: str, phase: TrainingSettings) -> None:
        log = train_sequence(model, sequences, phase, rng_for(seed, "local-round", name))
        losses.update({name: log.losses[-1]} if log.losses else {})

    train("head", _phase(settings, settings.head_epochs, head_rate=settings.head_rate, encoder_rate=0.0))
    train("encoder", _phase(settings, settings.encoder_epochs, head_rate=0.0, encoder_rate=settings.encoder_rate))
    trained = model.into(encoder)
    if not settings.rank:
        update = _clipped(encoder, trained, settings.clip_norm)
        return LocalRoundResult(update=update, head=model.head(), losses=losses, left_out=None)
    size = int(rows(encoder.spec).sum())
    change = trained.flat[-size:].astype(np.float64) - encoder.flat[-size:] + (0 if left_out is None else left_out)
    moments = input_moments(model, sequences, rng_for(seed, "local-round", "inputs"), batches=settings.steps)
    found = cut(encoder, change, settings.rank, moments)
    adapter = _clipped_adapter(found.adapter, settings.clip_norm)
    return LocalRoundResult(update=adapter, head=model.head(), losses=losses, left_out=found.left_out)


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
    share = _share(update, limit)
    if share == 1:
        return trained
    return Encoder(spec=received.spec, flat=(received.flat + share * update).astype(np.float32))


def _clipped_adapter(adapter: Adapter, limit: float) -> Adapter:
    """The same limit, on what the adapter adds to the encoder."""
    share = _share(adapter.change().astype(np.float64), limit)
    return adapter if share == 1 else adapter.scaled(share)


def _share(update: NDArray[np.float64], limit: float) -> float:
    norm = float(np.linalg.norm(update))
    return 1.0 if limit == 0 or norm <= limit else limit / norm
