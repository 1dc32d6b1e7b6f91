"""Transfer method ``model``: a received encoder tuned on the platform's own encoder-training users."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from client.data.platform import training_sequences
from client.data.sequences import Sequences
from client.ensemble.cross_fitting import Trained
from client.features.prepared_platform import PreparedPlatform
from client.scorers.encoder_scorers import KeptEncoder
from client.training.loop import TrainingLog, train_sequence
from client.training.losses import FurtherLoss
from client.training.low_rank import LowRank
from client.training.moments import platform_moments
from client.training.pretraining import early_stopping_set
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import ValidationSet
from client.transfer.alignment import alignment_loss
from client.transfer.feature import on_platform
from client.transfer.method import Method, PlatformParts, Shown, beside_own
from client.transfer.part_settings import TuningSettings
from shared.encoder.encoder import Encoder
from shared.encoder.linear import joined
from shared.seeding import rng_for, torch_generator_for
from shared.system.device import CPU, Device


@dataclass(frozen=True, eq=False, kw_only=True)
class Tuned:
    """A platform's own version of an encoder; it need not travel."""

    encoder: Encoder
    head: SequenceHead
    logs: dict[str, TrainingLog] = field(default_factory=dict)
    """by phase"""


def tune(
    *,
    encoder: Encoder,
    head: SequenceHead | None,
    features: NDArray[np.float32],
    sequences: Sequences,
    validation: ValidationSet | None,
    settings: TuningSettings,
    seed: int,
    aligned: FurtherLoss | None = None,
    device: Device = CPU,
) -> Tuned:
    """Tune linear and sequence part; each phase keeps its best epoch.

    Args:
        encoder: as it was received, its linear part a map.
        head: what the first phase begins with; None: a head that adds nothing.
        features: [n, D] vectors of the catalogue.
        sequences: training events, rows of the catalogue.
        validation: whose NDCG@10 decides which epoch is kept; None keeps the last one.
        settings: of both phases, of the linear part and of the adapter.
        seed: of the training.
        aligned: joins the loss of the second phase, in which the tower moves; None adds nothing.
        device: where the sequence part is trained.

    Returns:
        The tuned encoder, its head, and what happened in each phase.

    Raises:
        ConfigError: if a phase has no learning rate above 0.
    """
    start = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    linear = encoder.linear()
    if settings.moments_weight and linear.W.any():
        moments = platform_moments(features, sequences)
        encoder = encoder.with_linear(joined(linear, moments, settings.moments_weight)) if moments.n else encoder
    model = SequenceModel.over(encoder.sequence_module(), start, features)
    rng = rng_for(seed, "tuning", "head")
    logs = {"head": train_sequence(model, sequences, settings.head, rng, validation, device=device)}
    low_rank, both = None, settings.both
    if settings.rank:
        both = replace(both, encoder_rate=settings.rank_rate * both.encoder_rate)
        low_rank = LowRank(model, encoder, settings.rank, torch_generator_for(seed, "tuning", "adapter"))
    rng = rng_for(seed, "tuning", "both")
    logs["both"] = train_sequence(model, sequences, both, rng, validation, aligned, device=device)
    whole = encoder.with_sequence(model.towers()) if low_rank is None else low_rank.adapter().added_to(encoder)
    return Tuned(encoder=whole, head=model.head(), logs=logs)


def tune_on(encoder: Encoder, parts: PlatformParts, aligned: FurtherLoss | None = None) -> Tuned | None:
    """The encoder tuned on the platform's encoder-training users.

    Args:
        encoder: as it came.
        parts: of the platform.
        aligned: joins the loss of the second phase; None adds nothing.

    Returns:
        The tuned encoder; None where users are too few, or where the encoder has no sequence part to tune.

    Raises:
        ConfigError: if a phase has no learning rate above 0.
    """
    platform = parts.prepared.platform
    if not (platform.contributes and encoder.has_sequence):
        return None
    return tune(
        encoder=on_platform(encoder, parts.prepared),
        head=None,
        features=parts.prepared.features,
        sequences=training_sequences(platform, platform.encoder_users),
        validation=early_stopping_set(platform),
        settings=parts.settings.tuning,
        seed=parts.seed,
        aligned=aligned,
        device=parts.prepared.device,
    )


def tuned_source(parts: PlatformParts, kind: str) -> Tuned | None:
    """The source's encoder tuned under one alignment; tuned once.

    Args:
        parts: of the platform.
        kind: prefix that says which alignment, one of ``PartSettings.alignments``.

    Returns:
        The tuned encoder; None where there is no source, there are too few users, the encoder has no sequence part, or
        the source released no moments for an alignment that competes.

    Raises:
        ConfigError: if the alignment cannot be had with this encoder.
        EncoderFileError: if the encoder's released moments cannot be read.
    """
    return parts.once(f"{kind}tuned", lambda: _tune_source(parts, kind))


def _tune_source(parts: PlatformParts, kind: str) -> Tuned | None:
    received, moments = parts.encoders.received, parts.encoders.item_moments
    if received is None:
        return None
    alignment = parts.settings.alignments[kind]
    if kind == "coral-" and not moments:
        return None  # one of several that compete, and the source was too small to release moments
    aligned = (
        None if alignment is None else alignment_loss(alignment, received.encoder, moments, parts.settings.aligning)
    )
    return tune_on(received.encoder, parts, aligned)


def trained_part(name: str, tuned: Tuned | None, prepared: PreparedPlatform) -> Trained | None:
    """The encoder and its head as scorers ``name:...``; they have not seen the calibration users.

    Args:
        name: begins the names of the columns.
        tuned: the encoder and its head; None where there is none.
        prepared: the platform.

    Returns:
        The scorers, and the calibration users as those they have not seen; None where there is no encoder.
    """
    if tuned is None:
        return None
    encoder = KeptEncoder(encoder=tuned.encoder, head=tuned.head)
    return Trained(
        scorers=encoder.scorers(name, prepared.features, prepared.device),
        unseen=prepared.platform.calibration_users,
        kept=encoder,
    )


def _tuned(parts: PlatformParts, kind: str) -> Trained | None:
    return trained_part(f"{kind}{MODEL.part}", tuned_source(parts, kind), parts.prepared)


def _federated_tuned(parts: PlatformParts, _kind: str) -> Trained | None:
    federated = parts.encoders.federated
    tuned = None if federated is None else tune_on(federated.encoder, parts)
    return trained_part(FEDERATED_MODEL.part, tuned, parts.prepared)


MODEL = Method(
    name="model",
    origin="received",
    part="tuned",
    sets=beside_own("tuned"),
    make=_tuned,
    kinds=lambda settings: settings.alignments,
    competes=True,
    after_rounds="federated-model",
    in_benchmark=True,
    shown=Shown(headline=3),
)
FEDERATED_MODEL = Method(
    name="federated-model",
    origin="federated",
    part="federated-tuned",
    sets=beside_own("federated-tuned"),
    make=_federated_tuned,
    competes=True,
)
