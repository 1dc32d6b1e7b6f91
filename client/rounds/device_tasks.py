"""What devices do for a training task: one, or all of a cohort that a simulation holds, by the same function."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace
from client.training.cohort_chunks import cohort_chunks
from client.training.cohort_round import CohortRound
from shared.encoder.cells import Codes
from shared.encoder.encoder import Encoder
from shared.errors import EncoderUnknown
from shared.feature_space import require_same
from shared.federation.messages import Declined, DeclineReason, TrainReply, TrainTask
from shared.federation.updates import round_seed, summed_form
from shared.seeding import seed_for
from shared.system.device import CPU, Device

WHERE = "the device"


class CohortTask:
    """A training task, opened once, for any devices of one catalogue.

    Args:
        task: the encoder, the settings of the local round, and the form of the update.
        catalogue: as the devices have it.
        device: where they are trained.

    Raises:
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the task leads on from an encoder that the devices were to hold.
        ConfigError: if the form of the update cannot be summed.
    """

    def __init__(self, task: TrainTask, catalogue: DeviceCatalogue, *, device: Device = CPU) -> None:
        encoder = task.encoder
        if not isinstance(encoder, Encoder):
            raise EncoderUnknown("devices keep no encoder between rounds; the task has none")
        require_same(encoder.spec.feature_space, catalogue.space, where=WHERE)
        seed = round_seed(task.seed, task.round)
        self._form, self._spec, self._seed = summed_form(task.settings, seed), encoder.spec, seed
        self._layout = self._form.grid(encoder.spec).layout
        self._round, self._fingerprint = task.round, catalogue.space.fingerprint
        self._work = CohortRound(
            encoder=encoder, features=catalogue.features, settings=task.settings, seed=seed, device=device
        )

    def chunks(self, events: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows of devices that are worked on at once, by how many events each has [K]; all devices are in one."""
        work = self._work
        preset = work.encoder.spec.architecture
        trained = list(cohort_chunks(events, preset, work.settings.negatives, work.device))
        idle = np.setdiff1d(np.arange(len(events)), np.concatenate([*trained, np.empty(0, np.int64)]))
        return [*trained, idle] if len(idle) else trained

    def replies(self, devices: Sequence[DeviceWorkspace]) -> list[TrainReply | Declined]:
        """Train the encoder on each device's own events; nothing else of them is told, no loss either.

        Args:
            devices: that were sent the task.

        Returns:
            For each device, in their order, its update; a decline where it has fewer than two events.
        """
        declined = Declined(round=self._round, reason=DeclineReason.TOO_FEW_EVENTS)
        replies: list[TrainReply | Declined] = [declined] * len(devices)
        for part in self._work.changes(as_sequences([each.history for each in devices])):
            for row, numbers in zip(part.rows.tolist(), part.numbers, strict=True):
                replies[row] = TrainReply(
                    round=self._round,
                    flat=self._in_cells(numbers, devices[row]),
                    layout=self._layout,
                    fingerprint=self._fingerprint,
                    users=devices[row].users,
                    losses={},
                )
        return replies

    def total(self, devices: Sequence[DeviceWorkspace]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Train the encoder on each device's own events; what changed is added up as it is, in no cells.

        Args:
            devices: that were sent the task.

        Returns:
            The sum [C] over those of them that have two events or more, in the order of the form's layout, and their
            rows, in order.
        """
        numbers, rows = np.zeros(self._work.form.layout.size), np.empty(0, np.int64)
        for part in self._work.changes(as_sequences([each.history for each in devices])):
            numbers += part.total
            rows = np.append(rows, part.rows)
        return numbers, np.sort(rows)

    def _in_cells(self, numbers: NDArray[np.float32], device: DeviceWorkspace) -> Codes:
        """The update with what waited on the device, which then keeps what this one leaves out."""
        waiting = device.left_out
        update = self._form.in_cells(
            self._spec,
            numbers.astype(np.float64),
            left_out=None if waiting is None else waiting.read(),
            limit=self._work.settings.clip_norm,
            seed=seed_for(self._seed, "device", device.seed),
        )
        if waiting is not None and update.left_out is not None:
            waiting.write(update.left_out)
        return update.flat


def as_sequences(histories: Sequence[NDArray[np.int32]]) -> Sequences:
    """Histories of rows of a catalogue, one after the other; at least one."""
    lengths = np.array([len(history) for history in histories])
    return Sequences(offsets=offsets_of(lengths), items=np.concatenate(histories))
