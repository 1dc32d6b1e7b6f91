"""A device's vector of a secure sum: its moments, or what its training changes, within bounds before it is masked."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import within_bounds
from client.rounds.device_tasks import CohortTask, as_sequences
from client.rounds.joined_device import JoinedDevice
from client.rounds.moment_vector import moment_numbers_of
from client.training.moments import platform_moments
from shared.errors import NothingToSum, SumRefused
from shared.feature_space import require_same
from shared.federation.messages import DeclineReason
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import VectorForm
from shared.secure_sum.terms import SumTerms


def device_vector(work: SumWork, terms: SumTerms, workspace: JoinedDevice) -> NDArray[np.float64]:
    """The device's vector.

    Args:
        work: what the vector is of.
        terms: of the sum; they bound each number.
        workspace: the device.

    Returns:
        [P] numbers within the terms' bound.

    Raises:
        SumRefused: if the work asks for what devices do not give, or counts some devices for more than others.
        NothingToSum: if there is too little to train on.
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the work brings no whole encoder.
    """
    if len(work.parts) != 1 or work.parts[0] not in PARTS:
        raise SumRefused(f"expected a sum of {' or '.join(PARTS)} alone; found {', '.join(work.parts)}")
    if set(work.weights.values()) != {1.0}:
        raise SumRefused("expected each device to count as much as another; found other weights")
    (part,) = work.parts
    return within_bounds(VectorForm.of(work).joined({part: PARTS[part](work, workspace)}), 0.0, terms.bound)


def own_moments(work: SumWork, workspace: JoinedDevice) -> NDArray[np.float64]:
    """Means of moments over the pairs of the device's history, then a one in the bucket of their number.

    Args:
        work: whose part *moments* is asked for.
        workspace: the device.

    Returns:
        [M] as a platform's of weight 1.

    Raises:
        FeatureSpaceMismatch: if the encoder is of another feature space.
    """
    device = workspace.device
    require_same(work.encoder.spec.feature_space, device.space, where=workspace.name)
    moments = platform_moments(device.catalogue.features, as_sequences([device.history]))
    return moment_numbers_of(moments, 1.0)


def trained_change(work: SumWork, workspace: JoinedDevice) -> NDArray[np.float64]:
    """What training changes, no longer than may be sent.

    Args:
        work: whose part *train* is asked for.
        workspace: the device.

    Returns:
        [C] in the order of the form's layout.

    Raises:
        NothingToSum: if there is too little to train on.
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the work brings no whole encoder.
    """
    trained = CohortTask(work.train_task, workspace.device.catalogue).total([workspace.device])
    if not trained.rows:
        raise NothingToSum(DeclineReason.TOO_FEW_EVENTS)
    norm = work.train_task.settings.clip_norm
    return within_bounds(trained.numbers, norm, norm)


PARTS: dict[SumPart, Callable[[SumWork, JoinedDevice], NDArray[np.float64]]] = {
    "moments": own_moments,
    "train": trained_change,
}
