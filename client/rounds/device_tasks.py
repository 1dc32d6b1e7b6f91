"""What devices do for a training task: one, or all of a cohort that a simulation holds, by the same function."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.rounds.device_workspace import DeviceWorkspace
from client.training.cohort_round import CohortRound
from shared.encoder.encoder import Encoder
from shared.errors import EncoderUnknown
from shared.feature_space import require_same
from shared.federation.messages import Declined, DeclineReason, TrainReply, TrainTask
from shared.federation.updates import round_seed, summed_form
from shared.system.device import CPU, Device

WHERE = "the device"


def device_train_replies(
    task: TrainTask, devices: Sequence[DeviceWorkspace], *, device: Device = CPU
) -> list[TrainReply | Declined]:
    """Train the encoder on each device's own events; nothing else of them is told, no loss either.

    Args:
        task: the encoder, the settings of the local round, and the form of the update.
        devices: that were sent the task, of one catalogue; at least one.
        device: where they are trained.

    Returns:
        For each device, in their order, its update; a decline where it has fewer than two events.

    Raises:
        FeatureSpaceMismatch: if the encoder is of another feature space.
        EncoderUnknown: if the task leads on from an encoder that the devices were to hold.
        ConfigError: if the form of the update cannot be summed.
    """
    catalogue, encoder = devices[0].catalogue, task.encoder
    if not isinstance(encoder, Encoder):
        raise EncoderUnknown("devices keep no encoder between rounds; the task has none")
    require_same(encoder.spec.feature_space, catalogue.space, where=WHERE)
    seed = round_seed(task.seed, task.round)
    grid = summed_form(task.settings, seed).grid(encoder.spec)
    work = CohortRound(encoder=encoder, features=catalogue.features, settings=task.settings, seed=seed, device=device)
    replies: list[TrainReply | Declined] = [Declined(round=task.round, reason=DeclineReason.TOO_FEW_EVENTS)] * len(
        devices
    )
    for part in work.changes(as_sequences([each.history for each in devices])):
        for row, numbers in zip(part.rows.tolist(), part.numbers, strict=True):
            replies[row] = TrainReply(
                round=task.round,
                flat=grid.nearest(numbers.astype(np.float64)),
                layout=grid.layout,
                fingerprint=catalogue.space.fingerprint,
                users=devices[row].users,
                losses={},
            )
    return replies


def as_sequences(histories: Sequence[NDArray[np.int32]]) -> Sequences:
    """Histories of rows of a catalogue, one after the other; at least one."""
    lengths = np.array([len(history) for history in histories])
    return Sequences(offsets=offsets_of(lengths), items=np.concatenate(histories))
