"""Devices' vectors of a secure sum, one or those of a cohort together: moments, what training changes, or both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import within_bounds
from client.rounds.device_tasks import WHERE, CohortTask, as_sequences
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace
from client.rounds.joined_device import JoinedDevice
from client.rounds.moment_vector import summed_moment_numbers
from shared.errors import NothingToSum, SumRefused
from shared.feature_space import require_same
from shared.federation.messages import DeclineReason
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import VectorForm
from shared.secure_sum.terms import SumTerms

PARTS: tuple[SumPart, ...] = ("moments", "train")
"""that devices give"""


@dataclass(frozen=True, eq=False, kw_only=True)
class CohortSum:
    """What the vectors of some devices come to together."""

    numbers: NDArray[np.float64]
    """[P]"""
    rows: NDArray[np.int64]
    """which of the devices gave one"""


class CohortVectors:
    """The work of a sum, opened once, for any devices of one catalogue.

    Args:
        work: what the vectors are of.
        catalogue: as the devices have it.

    Raises:
        SumRefused: if the work asks for what devices do not give, or counts some devices for more than others.
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the work brings no whole encoder.
    """

    def __init__(self, work: SumWork, catalogue: DeviceCatalogue) -> None:
        if not set(work.parts) <= set(PARTS):
            raise SumRefused(f"expected a sum of {' and '.join(PARTS)} alone; found {', '.join(work.parts)}")
        if set(work.weights.values()) != {1.0}:
            raise SumRefused("expected each device to count as much as another; found other weights")
        require_same(work.encoder.spec.feature_space, catalogue.space, where=WHERE)
        self._catalogue, self._parts, self._form = catalogue, work.parts, VectorForm.of(work)
        self._task = CohortTask(work.train_task, catalogue) if "train" in work.parts else None

    def chunks(self, events: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows of devices that are worked on at once, by how many events each has [K]; all devices are in one."""
        return self._task.chunks(events) if self._task else [np.arange(len(events))]

    def total(self, devices: Sequence[DeviceWorkspace]) -> CohortSum:
        """The sum of the vectors of those devices that can give each part.

        Args:
            devices: that are asked.

        Returns:
            The sum, and who is in it.
        """
        parts: dict[SumPart, NDArray[np.float64]] = {}
        rows = np.arange(len(devices))
        if self._task:
            parts["train"], rows = self._task.total(devices)
        if not len(rows):
            return CohortSum(numbers=np.zeros(self._form.length), rows=rows)
        if "moments" in self._parts:
            histories = [devices[row].history for row in rows.tolist()]
            parts["moments"] = summed_moment_numbers(self._catalogue.features, as_sequences(histories))
        return CohortSum(numbers=self._form.joined(parts), rows=rows)


def device_vector(work: SumWork, terms: SumTerms, workspace: JoinedDevice) -> NDArray[np.float64]:
    """The vector of one device.

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
    total = CohortVectors(work, workspace.device.catalogue).total([workspace.device])
    return within_bounds(_given(total.numbers, total.rows), 0.0, terms.bound)


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
    numbers, rows = CohortTask(work.train_task, workspace.device.catalogue).total([workspace.device])
    norm = work.train_task.settings.clip_norm
    return within_bounds(_given(numbers, rows), norm, norm)


def _given(numbers: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The numbers, if the device gave any."""
    if not len(rows):
        raise NothingToSum(DeclineReason.TOO_FEW_EVENTS)
    return numbers
