"""What final encoders are worth: NDCG@10 over the whole catalogue, and how far they lie from each other.

P numbers of the encoder's sequence part.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.devices.device_course import DeviceCourse
from benchmarks.devices.local_steps import module_of
from client.data.platform import Examples
from client.data.sequences import Sequences
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.presets import PRESETS


def ndcg(course: DeviceCourse, flat: NDArray[np.float32]) -> float:
    """NDCG@10 on every device's test event, by the encoder alone; items of the history are left out.

    Args:
        course: whose devices and catalogue they are.
        flat: [P] the encoder.

    Returns:
        The mean over devices, from 0 to 1.
    """
    width = PRESETS[course.settings.preset].width
    module = module_of(course.settings.preset, course.features.shape[1], flat)
    model = SequenceModel.over(module, SequenceHead.initial(course.n_items, width), np.array(course.features))
    tests = Examples(
        users=np.arange(len(course.targets)),
        histories=Sequences(offsets=np.array(course.history_offsets), items=np.array(course.history_items)),
        targets=np.array(course.targets),
    )
    return ValidationSet.of(tests, hide_seen=True).ndcg(model)


def largest_difference(course: DeviceCourse, flat: NDArray[np.float32], of_the_loop: NDArray[np.float32]) -> float:
    """How far an encoder lies from the sequential loop's, in parts of what the loop's training moved.

    Args:
        course: where both began.
        flat: [P] an engine's final encoder.
        of_the_loop: [P] the sequential loop's.

    Returns:
        The largest difference of a number over the largest move of one.

    Raises:
        ValueError: if the loop moved nothing.
    """
    moved = float(np.abs(of_the_loop - course.initial).max())
    if moved == 0:
        raise ValueError("expected an encoder that training moved; got the initial one")
    return float(np.abs(flat - of_the_loop).max()) / moved
