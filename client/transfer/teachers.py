"""The teachers of method ``knowledge``: a tuned encoder with its head, or a platform's whole stack.

Neither has anything of a calibration user. B histories, n items.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from client.ensemble.cross_fitting import cross_fit
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings
from client.ensemble.stack import fit_weights
from client.evaluation.ranking import ScoreHistories
from client.features.prepared_platform import PreparedPlatform
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.table import SCORERS, ScorerTable
from client.training.distillation import Teacher, TeacherPart
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table
from client.transfer.feature import feature_part
from client.transfer.method import ReceivedEncoder
from shared.encoder.encoder import Encoder


def encoder_teacher(encoder: Encoder, head: SequenceHead, prepared: PreparedPlatform) -> Teacher:
    """The sequence part of an encoder that was tuned on the encoder-training users, with the head it was tuned beside.

    Args:
        encoder: tuned on the encoder-training users.
        head: tuned beside it.
        prepared: the platform.

    Returns:
        A teacher of one part, of all encoder-training users.
    """
    part = TeacherPart(users=prepared.platform.encoder_users, score=sequence_alone(encoder, head, prepared))
    return Teacher(parts=(part,), vectors=_seen(encoder, head, prepared))


def sequence_alone(encoder: Encoder, head: SequenceHead, prepared: PreparedPlatform) -> ScoreHistories:
    """Scores by an encoder's sequence part and its head alone.

    Args:
        encoder: that has a sequence part.
        head: of the catalogue's ids.
        prepared: the platform.

    Returns:
        What scores histories: [B, n], −inf where an item may not be recommended.
    """
    scorers, platform = (
        encoder_scorers("alone", encoder, prepared.features, head, device=prepared.device),
        prepared.platform,
    )
    scorer = scorers[-1]
    return RawEnsemble(scorers=(scorer,), n_items=platform.n_items, repeats=platform.repeats).only_column


def stack_teacher(
    encoder: Encoder,
    prepared: PreparedPlatform,
    scorers: ScorerTable = SCORERS,
    settings: EnsembleSettings = DEFAULT,
    *,
    seed: int,
) -> Teacher:
    """The plain stack of the computed scorers and the received encoder, fitted on the encoder-training users alone.

    Cross-fitted: each user is answered from the statistics of the others, since a scorer that finds a user's own events
    again teaches nothing. The encoder as it came has seen no user of the platform, so all may weigh it.

    Args:
        encoder: as it was received.
        prepared: the platform.
        scorers: the computed ones.
        settings: of the stack; the largest L2 strength is used.
        seed: of folds and negatives.

    Returns:
        A teacher of one part a fold.

    Raises:
        DataError: if no encoder-training user has an example to fit on.
    """
    users = prepared.platform.encoder_users
    platform = replace(prepared.platform, training_users=users, calibration_users=users[:0])
    without_calibration = replace(prepared, platform=platform)
    received = {"received": feature_part("received", ReceivedEncoder(encoder=encoder, seen=False), without_calibration)}
    fit = cross_fit(without_calibration, received, seed=seed, scorers=scorers, settings=settings)
    columns = len(fit.calibrations)
    plain = settings.candidates
    weights = fit_weights(fit.last.examples, np.full(columns, plain.uniform), max(plain.l2_strengths))
    parts = tuple(
        TeacherPart(
            users=fold.users,
            score=partial(Ensemble(raw=fold.raw, calibrations=fit.calibrations).served, weights),
            columns=columns + 1,
        )
        for fold in fit.folds
    )
    blank = SequenceHead.initial(platform.n_items, encoder.spec.architecture.width)
    return Teacher(parts=parts, vectors=_seen(encoder, blank, prepared))


def _seen(encoder: Encoder, head: SequenceHead, prepared: PreparedPlatform) -> torch.Tensor:
    """[n, d] the catalogue's vectors in the encoder."""
    return item_table(SequenceModel.over(encoder.sequence_module(), head, prepared.features)).vectors
