"""Transfer method ``model``: a received encoder tuned on the platform's own contributing users."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform, Sequences
from client.data.splits import training_sequences
from client.ensemble.cross_fitting import Catalogue, Trained
from client.scorers.encoder_scorers import KeptEncoder
from client.training.further_loss import FurtherLoss
from client.training.loop import TrainingLog, TrainingSettings, train_sequence
from client.training.low_rank import RATE, LowRank
from client.training.moments import platform_moments
from client.training.pretraining import stopping_set
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.validation import ValidationSet
from shared.encoder.encoder import Encoder
from shared.encoder.linear import joined
from shared.errors import ConfigError
from shared.seeding import rng_for, torch_generator_for

HEAD_PHASE = TrainingSettings(epochs=5, encoder_rate=0.0, head_rate=3e-3, warm_up=20, patience=2, steps=32)
BOTH_PHASE = TrainingSettings(epochs=8, encoder_rate=2e-4, head_rate=1e-3, warm_up=20, patience=2, steps=32)


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """The head first, the encoder frozen; then both, the encoder at a smaller rate (LP-FT; Kumar et al. 2022)."""

    head: TrainingSettings = HEAD_PHASE
    both: TrainingSettings = BOTH_PHASE
    moments_weight: float = 0.0
    """how often each own pair counts when the linear part is moved (``joined``); 0 leaves it as it came"""
    rank: int = 0
    """of the low-rank adapter that the second phase trains in the place of the towers' matrices; 0 trains these"""

    def __post_init__(self) -> None:
        if self.head.encoder_rate != 0:
            raise ConfigError("the first phase of tuning leaves the encoder frozen: its encoder rate must be 0")
        if not 0 <= self.moments_weight < math.inf:
            raise ConfigError(f"the weight of own moments must be 0 or more; got {self.moments_weight:g}")
        if self.rank < 0:
            raise ConfigError(f"the rank of the adapter must be 0 or more; got {self.rank}")


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A platform's own version of an encoder; it need not travel."""

    encoder: Encoder
    head: SequenceHead
    logs: dict[str, TrainingLog]
    """by phase: ``head``, ``both``"""


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
) -> Tuned:
    """Tune linear and sequence part on ``sequences``; each phase keeps its best epoch on ``validation``.

    ``features`` [n, D]. ``aligned`` joins the second phase, in which the tower moves.
    """
    start = head or SequenceHead.initial(len(features), encoder.spec.architecture.width)
    linear = encoder.linear()
    if settings.moments_weight and linear.W.any():
        own = platform_moments(features, sequences)
        encoder = encoder.with_linear(joined(linear, own, settings.moments_weight)) if own.n else encoder
    model = SequenceModel.over(encoder.sequence_module(), start, features)
    logs = {"head": train_sequence(model, sequences, settings.head, rng_for(seed, "tuning", "head"), validation)}
    low_rank, both = None, settings.both
    if settings.rank:
        both = replace(both, encoder_rate=RATE * both.encoder_rate)
        low_rank = LowRank(model, encoder, settings.rank, torch_generator_for(seed, "tuning", "adapter"))
    rng = rng_for(seed, "tuning", "both")
    logs["both"] = train_sequence(model, sequences, both, rng, validation, aligned)
    whole = encoder.with_sequence(model.towers()) if low_rank is None else low_rank.adapter().added_to(encoder)
    return Tuned(encoder=whole, head=model.head(), logs=logs)


def tune_on(
    encoder: Encoder,
    platform: Platform,
    catalogue: Catalogue,
    *,
    seed: int,
    settings: TuningSettings,
    aligned: FurtherLoss | None = None,
) -> Tuned | None:
    """The encoder tuned on the platform's contributing users; None where they are too few.

    ``settings`` and ``aligned`` as in ``tune``.
    """
    if not platform.contributes:
        return None
    return tune(
        encoder=encoder,
        head=None,
        features=catalogue.features,
        sequences=training_sequences(platform, platform.contributing_users),
        validation=stopping_set(platform),
        settings=settings,
        seed=seed,
        aligned=aligned,
    )


def model_part(name: str, tuned: Tuned, platform: Platform, catalogue: Catalogue) -> Trained:
    """The tuned encoder and its head as scorers ``name:...``; they have not seen the weighting users."""
    kept = KeptEncoder(encoder=tuned.encoder, head=tuned.head)
    return Trained(scorers=kept.scorers(name, catalogue.features), unseen=platform.weighting_users, kept=kept)
