"""Pretraining on one platform: the linear part from its moments, the sequence part by the training loop.

Where what leaves bears noise, it is the linear part alone.
"""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.folder_options import FEWEST_TRAINING_USERS
from client.data.held_out import Stage
from client.data.platform import Platform, examples, training_sequences
from client.data.sequences import Sequences
from client.privacy.estimate import fewest_that_pay, pays
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from client.training.loop import TrainingLog, TrainingSettings, train_sequence
from client.training.moments import platform_moments
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.cross import CatalogueMoments, released_cross
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve
from shared.errors import DataError
from shared.feature_space import FeatureSpace
from shared.federation.messages import power_of_two
from shared.privacy.gaussian_draws import Draw
from shared.privacy.grid import middles
from shared.privacy.promise import Promise
from shared.seeding import rng_for
from shared.system.device import CPU, Device
from shared.system.progress import working

PRETRAINING = TrainingSettings(epochs=12, encoder_rate=2e-3, head_rate=1e-2, id_dropout=0.7)
"""Most of the ids hidden: what travels must do without them (docs/decisions/0016). Rates: on amazon_games, NDCG@10 on
validation without ids was .055 after 8 epochs at these, .044 after 4 epochs at .001 and .003."""


def require_learnable(platform: Platform, features: NDArray[np.float32]) -> None:
    """Check that an encoder that is to serve others can learn something.

    Args:
        platform: whose training users are counted.
        features: [n, D] what an encoder reads of an item, which has to tell items apart.

    Raises:
        DataError: if there are fewer than ``FEWEST_TRAINING_USERS`` training users, or all items have the same vector.
    """
    if len(platform.training_users) < FEWEST_TRAINING_USERS:
        raise DataError(
            f"{platform.name}: expected {FEWEST_TRAINING_USERS} users or more to learn from, found "
            f"{len(platform.training_users)} after preparation"
        )
    if bool((features == features[0]).all()):
        raise DataError(
            f"{platform.name}: expected texts or vectors that tell items apart, found the same, or none, for all "
            f"{len(features)} items"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Pretrained:
    """An encoder with the head it was trained beside, which stays on the platform."""

    encoder: Encoder
    head: SequenceHead
    log: TrainingLog
    counts: dict[str, int]
    """users, items and events it was trained on, rounded to a power of two"""


def pretrain(
    platform: Platform,
    features: NDArray[np.float32],
    space: FeatureSpace,
    preset: str,
    settings: TrainingSettings,
    seed: int,
    *,
    early_stopping_users: NDArray[np.int64] | None = None,
    device: Device = CPU,
) -> Pretrained:
    """Train an encoder of its own on a platform's encoder-training users.

    Training events are all but a user's last two; the platform's calibration users enter nothing.

    Args:
        platform: whose encoder-training users are learnt from.
        features: [n, D] vectors of the catalogue.
        space: the feature space of ``features``.
        preset: name of the encoder's size.
        settings: of the sequence part's training.
        seed: of the encoder's draw and of the training.
        early_stopping_users: [S] rows of users whose validation events only decide when to stop; None: the platform's
            own early-stopping users. Empty: the last epoch is kept.
        device: where the sequence part is trained.

    Returns:
        The encoder, the head beside it, what happened per epoch, and rounded counts.

    Raises:
        DataError: if no encoder-training user has two training events.
        ConfigError: if neither learning rate is above 0.
    """
    sequences = training_sequences(platform, platform.encoder_users)
    if not (sequences.lengths() >= 2).any():
        raise DataError(f"{platform.name}: no encoder-training user has two training events to learn from")
    spec = EncoderSpec(preset=preset, input_dim=features.shape[1], feature_space=space)
    with working("solving the linear part"):
        encoder = Encoder.initial(spec, seed).with_linear(solve(platform_moments(features, sequences)))
    model = SequenceModel.over(
        encoder.sequence_module(), SequenceHead.initial(len(features), spec.architecture.width), features
    )
    rng = rng_for(seed, "pretraining")
    early_stopping = early_stopping_set(platform, early_stopping_users)
    log = train_sequence(model, sequences, settings, rng, early_stopping, device=device)
    return Pretrained(
        encoder=encoder.with_sequence(model.towers()),
        head=model.head(),
        log=log,
        counts=_counts(sequences, len(features)),
    )


def pretrain_private(
    platform: Platform,
    features: NDArray[np.float32],
    space: FeatureSpace,
    preset: str,
    promise: Promise,
    draw: Draw = os.urandom,
) -> tuple[Encoder, dict[str, int]]:
    """An encoder whose linear part is a cross moment under the noise of one release.

    Its sequence part is left out: trained without noise it would tell of users.

    Args:
        platform: whose encoder-training users are learnt from.
        features: [n, D] vectors of the catalogue.
        space: the feature space of ``features``.
        preset: name of the encoder's size.
        promise: says how large the noise is.
        draw: where the noise's random bytes come from.

    Returns:
        The encoder, and counts as ``Pretrained`` has them.

    Raises:
        DataError: if the platform has too few encoder-training users for the noise.
    """
    sequences = training_sequences(platform, platform.encoder_users)
    users = int((sequences.lengths() > 1).sum())
    if not pays(users, promise.noise, space.name):
        raise DataError(
            f"{platform.name}: expected {fewest_that_pay(promise.noise, space.name):,} encoder-training users or more "
            f"for the noise of ε {promise.epsilon:g} in the feature space {space.name}, found {users:,}"
        )
    public = CatalogueMoments.of(features)
    with working("adding up cross moments"):
        cells = noised(cross_moment(features, sequences, public), promise.noise, draw)
        cross = released_cross(middles(cells, promise.noise), promise.noise, public)
    spec = EncoderSpec(preset=preset, input_dim=features.shape[1], feature_space=space)
    encoder = Encoder.initial(spec, 0).without_sequence().with_cross(cross)
    return encoder, _counts(sequences, len(features))


def early_stopping_set(platform: Platform, users: NDArray[np.int64] | None = None) -> ValidationSet | None:
    """The validation events of some users.

    Args:
        platform: whose users they are.
        users: [S] rows of users; None: the platform's early-stopping users.

    Returns:
        What is ranked after each epoch; None where there are no users.
    """
    chosen = platform.early_stopping_users if users is None else users
    if not len(chosen):
        return None  # scored on nobody, every epoch would be as good as the start
    return ValidationSet.of(examples(platform, Stage.VALIDATION, chosen), hide_seen=not platform.repeats)


def _counts(sequences: Sequences, n_items: int) -> dict[str, int]:
    exact = {"users": len(sequences), "items": n_items, "events": len(sequences.items)}
    return {name: power_of_two(count) for name, count in exact.items()}
