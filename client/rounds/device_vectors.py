"""A device's vector of a secure sum: what its training changes, cut to the longest that may be sent."""

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import within_bounds
from client.rounds.device_tasks import device_train_replies
from client.rounds.joined_device import JoinedDevice
from shared.errors import NothingToSum, SumRefused
from shared.federation.messages import Declined
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.updates import round_seed, summed_form
from shared.secure_sum.terms import SumTerms

TRAIN: SumPart = "train"


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
    if work.parts != (TRAIN,):
        raise SumRefused(f"expected a sum of what devices train; found {', '.join(work.parts)}")
    if set(work.weights.values()) != {1.0}:
        raise SumRefused("expected each device to count as much as another; found other weights")
    return within_bounds(VectorForm.of(work).joined({TRAIN: trained_change(work, workspace)}), 0.0, terms.bound)


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
    task = work.train_task
    form, norm = summed_form(task.settings, round_seed(task.seed, task.round)), task.settings.clip_norm
    (reply,) = device_train_replies(task, [workspace.device])
    if isinstance(reply, Declined):
        raise NothingToSum(reply.reason)
    return within_bounds(form.grid(work.encoder.spec).values(reply.flat).astype(np.float64), norm, norm)
