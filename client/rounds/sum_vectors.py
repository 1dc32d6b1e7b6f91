"""A platform's vector of a secure sum: each part from its usual answer, within bounds before it is masked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import within_bounds
from client.rounds.moment_vector import moment_numbers_of
from client.rounds.round_tasks import evaluate_reply, moments_reply, received_encoder, train_reply
from client.rounds.workspace import Workspace
from shared.errors import SumRefused
from shared.federation.messages import VALIDATIONS, Declined
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.updates import WHOLE, SharedForm
from shared.federation.validation_levels import level_of
from shared.secure_sum.terms import SumTerms

Float64 = NDArray[np.float64]


def sum_vector(work: SumWork, terms: SumTerms, workspace: Workspace) -> Float64:
    """The platform's vector: all parts of the work, in their order.

    What is evaluated is evaluated before anything is trained, so that its head is that of the round before.

    Args:
        work: what the vector is of.
        terms: of the sum; they bound each number.
        workspace: the platform.

    Returns:
        [P] numbers within the terms' bound.

    Raises:
        SumRefused: if the platform has nothing to give, or the work asks for what is not summed.
    """
    whole = replace(work, encoder=received_encoder(work, workspace.heads), keep=False)
    form = VectorForm.of(whole)
    vectors = {part: PARTS[part](whole, workspace) for part in sorted(work.parts, key=_ORDER.index)}
    return within_bounds(form.joined(vectors), 0.0, terms.bound)


def _moments(work: SumWork, workspace: Workspace) -> Float64:
    """Means of moments as they would travel alone, times the weight; then a one in the bucket of pairs over weight."""
    reply = moments_reply(work.moments_task, workspace)
    if isinstance(reply, Declined):
        raise SumRefused(f"expected moments to sum; found none: {reply.reason}")
    return moment_numbers_of(reply.moments, work.weights[workspace.platform.name])


def _train(work: SumWork, workspace: Workspace) -> Float64:
    """What training changes, cut to the longest that may be sent, times the weight."""
    task = work.train_task
    if not (task.form is WHOLE or isinstance(task.form, SharedForm)):
        raise SumRefused("expected a sum of whole updates or shared adapters; found work that asks for others")
    reply = train_reply(task, workspace)
    if isinstance(reply, Declined):
        raise SumRefused(f"expected an update to sum; found none: {reply.reason}")
    values, norm = task.form.grid(work.encoder.spec).values(reply.flat).astype(np.float64), task.settings.clip_norm
    return work.weights[workspace.platform.name] * within_bounds(values, norm, norm)


def _evaluate(work: SumWork, workspace: Workspace) -> Float64:
    """Levels of NDCG@10, each 0 where it is not told, and whether it is; they bear no weight."""
    reply = evaluate_reply(work.evaluate_task, workspace, work.train_task.facts if "train" in work.parts else None)
    if isinstance(reply, Declined):
        raise SumRefused(f"expected an evaluation to sum; found none: {reply.reason}")
    validation = reply.validation if workspace.tells_validation else {}
    levels = [level_of(validation[name]) if name in validation else 0.0 for name in VALIDATIONS]
    return np.array([*levels, *(float(name in validation) for name in VALIDATIONS)])


PARTS: dict[SumPart, Callable[[SumWork, Workspace], Float64]] = {
    "moments": _moments,
    "evaluate": _evaluate,
    "train": _train,
}
_ORDER = tuple(PARTS)
"""in which parts are worked on"""
