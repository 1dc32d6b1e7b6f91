"""The teachers of method ``knowledge``: a tuned encoder with its head, or a platform's whole stack.

Neither has anything of a weighting user. B histories, n items.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from client.data.platform import Platform
from client.ensemble.cross_fitting import Catalogue, cross_fit
from client.ensemble.panel import Panel, RawPanel
from client.ensemble.stack import PULLS, UNIFORM, fit_weights
from client.evaluation.ranking import ScoreHistories
from client.scorers.encoder_scorers import encoder_scorers
from client.training.distillation import Teacher, TeacherPart
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table
from client.transfer.feature import feature_part
from shared.encoder.encoder import Encoder

LESSONS = {"encoder": 10_000, "stack": 2_000}
"""Teacher to how often it is asked at most: an answer of the stack costs about thirty of the encoder's."""
TEACHERS = tuple(LESSONS)


def encoder_teacher(encoder: Encoder, head: SequenceHead, platform: Platform, catalogue: Catalogue) -> Teacher:
    """The sequence part of an encoder that was tuned on the contributing users, with the head it was tuned beside."""
    score = sequence_alone(encoder, head, platform, catalogue)
    part = TeacherPart(users=platform.contributing_users, score=score)
    return Teacher(parts=(part,), vectors=_seen(encoder, head, catalogue))


def sequence_alone(encoder: Encoder, head: SequenceHead, platform: Platform, catalogue: Catalogue) -> ScoreHistories:
    """Scores by an encoder's sequence part and its head alone; −inf where an item may not be recommended."""
    scorer = encoder_scorers("alone", encoder, catalogue.features, head)[-1]
    return RawPanel(scorers=(scorer,), n_items=platform.n_items, repeats=platform.repeats).only_column


def stack_teacher(encoder: Encoder, platform: Platform, catalogue: Catalogue, *, seed: int) -> Teacher:
    """The plain stack of the computed scorers and the received encoder, fitted on the contributing users alone.

    Cross-fitted: each user is answered from the statistics of the others, since a scorer that finds a user's own
    events again teaches nothing. The encoder as it came has seen no user of the platform, so all may weigh it.
    """
    users = platform.contributing_users
    contributing = replace(platform, training_users=users, weighting_users=users[:0])
    received = {"received": feature_part("received", encoder, catalogue, unseen=users)}
    fit = cross_fit(contributing, catalogue, received, seed=seed)
    columns = len(fit.calibrations)
    weights = fit_weights(fit.stack_examples, np.full(columns, UNIFORM), max(PULLS))
    parts = tuple(
        TeacherPart(
            users=fold.users,
            score=partial(Panel(raw=fold.raw, calibrations=fit.calibrations).served, weights),
            columns=columns + 1,
        )
        for fold in fit.folds
    )
    blank = SequenceHead.initial(platform.n_items, encoder.spec.architecture.width)
    return Teacher(parts=parts, vectors=_seen(encoder, blank, catalogue))


def _seen(encoder: Encoder, head: SequenceHead, catalogue: Catalogue) -> torch.Tensor:
    """[n, d] the catalogue's vectors in the encoder."""
    return item_table(SequenceModel.over(encoder.sequence_module(), head, catalogue.features)).vectors
