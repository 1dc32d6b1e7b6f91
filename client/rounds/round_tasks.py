"""What a platform does for each task of a round: moments, training, evaluation."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples, training_sequences
from client.data.sequences import Sequences
from client.evaluation.ranking import by_user, ndcg_of, ranks_by_column
from client.rounds.private_evaluation import able_sample, noised_mean
from client.rounds.round_heads import newest_head, round_name, round_start, stage_head
from client.rounds.told_moments import told_moments
from client.rounds.workspace import Workspace
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import HistoryBatch, Scorer
from client.store.head_store import HeadStore, StoredRecord
from client.training.local_round import run_local_round
from client.training.sequence_model import SequenceHead
from shared.encoder.encoder import Encoder
from shared.errors import EncoderUnknown
from shared.feature_space import FeatureSpace, require_same
from shared.federation.messages import (
    BOTH,
    Declined,
    DeclineReason,
    EvaluateReply,
    EvaluateTask,
    KnownEncoder,
    MomentsReply,
    MomentsTask,
    TaskFacts,
    TrainReply,
    TrainTask,
    power_of_two,
)
from shared.federation.sum_messages import SumWork
from shared.federation.validation_levels import LEAST_VALIDATION

VALIDATION_USERS = 500
RECEIVED = "received"
"""Record of the encoder on which the server counts."""


def moments_reply(task: MomentsTask, workspace: Workspace) -> MomentsReply | Declined:
    """The moments over the encoder-training users' training events, as they were told last where few changed.

    Args:
        task: says the feature space.
        workspace: the platform.

    Returns:
        the moments, or a decline where the platform does not contribute.

    Raises:
        FeatureSpaceMismatch: if the task is of another feature space.
    """
    _require_space(task.feature_space, workspace)
    platform = workspace.platform
    if not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    sequences = training_sequences(platform, platform.encoder_users)
    return MomentsReply(
        round=task.round,
        moments=told_moments(workspace, sequences),
        fingerprint=workspace.space.fingerprint,
        users=power_of_two(len(platform.training_users)),
    )


def train_reply(task: TrainTask, workspace: Workspace) -> TrainReply | Declined:
    """Train the encoder or the adapter asked for on encoder-training users' training events.

    The head stays here.

    Args:
        task: the encoder, the settings of the local round, and the form of the update.
        workspace: the platform.

    Returns:
        the update and the losses, two digits after the point; a decline where the platform does not contribute.

    Raises:
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the task leads on from an encoder that is not the one kept.
    """
    _require_space(task.encoder.spec.feature_space, workspace)
    platform = workspace.platform
    encoder = received_encoder(task, workspace.heads)
    if not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    name = round_name(task.facts, encoder.spec.layout().hash)
    before = round_start(name, workspace)
    result = run_local_round(
        encoder=encoder,
        head=before.head,
        features=workspace.features,
        sequences=training_sequences(platform, platform.encoder_users),
        settings=task.settings,
        seed=workspace.seed(task.seed, task.round),
        left_out=before.left_out,
        device=workspace.prepared.device,
    )
    update = task.form.encoded(result.trained)
    stage_head(result.head, name, workspace, update.left_out)
    return TrainReply(
        round=task.round,
        flat=update.flat,
        layout=task.form.grid(encoder.spec).layout,
        fingerprint=workspace.space.fingerprint,
        users=power_of_two(len(platform.training_users)),
        losses={name: round(loss, 2) + 0.0 for name, loss in result.losses.items()},
    )


def evaluate_reply(
    task: EvaluateTask, workspace: Workspace, before: TaskFacts | None = None
) -> EvaluateReply | Declined:
    """NDCG@10 of the encoder's parts on validation events of a sample of the calibration users.

    Of all parts together alone, and under noise, where the task asks for some.

    Args:
        task: the encoder, the seed and the noise.
        workspace: the platform.
        before: the round that trains from the encoder, where it is evaluated before that round. The head with which the
            round begins then counts, so that a task that comes again finds the same. None: the newest head counts.

    Returns:
        NDCG@10 by part, to two significant digits; a decline where the platform does not contribute or too few users
        can give.

    Raises:
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the task leads on from an encoder that is not the one kept.
        BudgetBroken: if a user has spent elsewhere what it costs since they were found able.
    """
    _require_space(task.encoder.spec.feature_space, workspace)
    platform = workspace.platform
    encoder = received_encoder(task, workspace.heads)
    if not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    users = platform.calibration_users
    able = able_sample(task, workspace, users) if task.noise else users
    if isinstance(able, Declined):
        return able
    if task.noise:
        sample = validation_sample(platform, able)
        values = values_of_both(encoder, sample, workspace)
        means = {BOTH: noised_mean(values, task, encoder.digest, workspace, sample)}
    else:
        drawn = np.random.default_rng(workspace.seed(task.seed, "round-validation")).permutation(able)
        sample = validation_sample(platform, drawn[:VALIDATION_USERS])
        head = _head(encoder.spec.layout().hash, workspace, before)
        means = {
            name: float(part_values.mean())
            for name, part_values in _values_of_parts(encoder, sample, workspace, head).items()
        }
    validation = {name: two_digits(value) for name, value in means.items()}
    return EvaluateReply(round=task.round, users=power_of_two(len(sample)), validation=validation)


def _head(layout: str, workspace: Workspace, before: TaskFacts | None) -> SequenceHead | None:
    return newest_head(layout, workspace) if before is None else round_start(round_name(before, layout), workspace).head


def received_encoder(task: TrainTask | EvaluateTask | SumWork, store: HeadStore) -> Encoder:
    """The whole encoder, kept in the store where the server will count on it.

    Args:
        task: brings the encoder, a delta to it from the one that is kept, or its digest alone.
        store: where the last one is kept.

    Returns:
        the encoder.

    Raises:
        EncoderUnknown: if the task leads on from an encoder that is not the one kept, or not to the one it says.
    """
    sent = task.encoder
    if isinstance(sent, Encoder):
        encoder = sent
    else:
        base_encoder = _kept(sent, store)
        encoder = base_encoder if sent.delta is None else sent.delta.added_to(base_encoder)
        if encoder.digest != sent.digest:
            raise EncoderUnknown("the delta from the kept encoder leads to another one than the server's")
        if sent.delta is None:
            return encoder
    if task.keep:
        store.write(RECEIVED, StoredRecord(arrays={"flat": encoder.flat}, facts={"digest": encoder.digest}))
    return encoder


def _kept(sent: KnownEncoder, store: HeadStore) -> Encoder:
    stored = store.read(RECEIVED)
    if stored is None or stored.facts["digest"] != sent.base:
        raise EncoderUnknown("the encoder that the server counts on is not the one kept here")
    return Encoder(spec=sent.spec, flat=stored.arrays["flat"])


def two_digits(value: float) -> float:
    """Rounded to two significant digits; what is smaller than is told of is 0."""
    return 0.0 if value < LEAST_VALIDATION else round(value, 1 - math.floor(math.log10(abs(value))))


def _require_space(expected: FeatureSpace, workspace: Workspace) -> None:
    require_same(expected, workspace.space, where=workspace.platform.name)


def validation_sample(platform: Platform, users: NDArray[np.int64]) -> Examples:
    """Validation events of some users.

    Args:
        platform: a prepared platform.
        users: rows of users, in any order.

    Returns:
        an example for each validation target, by user.
    """
    return examples(platform, Stage.VALIDATION, np.sort(users))


def values_of_both(encoder: Encoder, sample: Examples, workspace: Workspace) -> NDArray[np.float64]:
    """Each user's NDCG@10 by all parts together, as it is told under noise.

    Without the head that plain rounds left, since what it learnt of encoder-training users would be in each user's
    value.

    Args:
        encoder: what is evaluated.
        sample: validation events of V users.
        workspace: the platform.

    Returns:
        [V] from 0 to 1.
    """
    return _values_of_parts(encoder, sample, workspace, None)[BOTH]


def _values_of_parts(
    encoder: Encoder, sample: Examples, workspace: Workspace, head: SequenceHead | None
) -> dict[str, NDArray[np.float64]]:
    """By part and of all together, each user's NDCG@10 [V]."""
    scorers = encoder_scorers("", encoder, workspace.features, head, device=workspace.prepared.device)
    names = [scorer.columns[0].name.removeprefix(":") for scorer in scorers]
    return dict(zip([*names, BOTH], _ndcg(scorers, sample, workspace.platform), strict=True))


def _ndcg(scorers: Sequence[Scorer], sample: Examples, platform: Platform) -> NDArray[np.float64]:
    """[columns, V] each user's NDCG@10 by each scorer, then by the sum of all.

    Each history's scores are brought to mean 0 and spread 1 before they are summed.
    """

    def score(histories: Sequences) -> list[torch.Tensor]:
        batch = HistoryBatch(histories, platform.n_items)
        alone = [_standardised(scorer.score(batch)[0]) for scorer in scorers]
        everything = torch.stack(alone).sum(0) if alone else torch.zeros(len(histories), platform.n_items)
        return [*alone, everything]

    ranks = ranks_by_column(score, sample, len(scorers) + 1, n_items=platform.n_items, repeats=platform.repeats)
    return by_user(ndcg_of(ranks, sample.sizes), sample.users)


def _standardised(scores: torch.Tensor) -> torch.Tensor:
    centred = scores - scores.mean(1, keepdim=True)
    return centred / (centred.std(1, keepdim=True) + 1e-12)
