"""pfl: federated averaging on its simulated backend, a process for each core under torchrun.

A device's data set holds one row for each local step, its events beside the step's negatives, so that an epoch with
batches of one row is the local steps. Users' weights let pfl give both processes the same work.
"""

from collections.abc import Iterator

import numpy as np
import torch
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.pytorch import PyTorchTensorDataset
from pfl.hyperparam.base import NNTrainHyperParams
from pfl.internal.ops.selector import get_default_framework_module
from pfl.metrics import Metrics
from pfl.model.pytorch import PyTorchModel

from benchmarks.devices.local_steps import device_loss, flat_of, load_flat
from benchmarks.devices.peer_run import PeerRun
from shared.encoder.presets import PRESETS
from shared.encoder.towers import SequenceModule

Visit = tuple[int, int]
"""A round, and the device that takes part in it."""


class DeviceModel(SequenceModule):
    """The sequence part with the two methods that pfl asks for."""

    def __init__(self, preset: str, features: torch.Tensor) -> None:
        super().__init__(PRESETS[preset], features.shape[1])
        self.features = features

    def loss(self, events: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        """Of a batch of one row, events [1, T + 1] and negatives [1, m]."""
        return device_loss(self, self.features, events[0], negatives[0])

    def metrics(self, *_: torch.Tensor) -> dict[str, float]:
        """None: the encoder is judged when all rounds are over."""
        return {}


class NotedRounds(TrainingProcessCallback):
    """Notes when rounds end."""

    def __init__(self, run: PeerRun) -> None:
        self._run = run

    def after_central_iteration(self, *_: object, **__: object):
        """A round has ended, and its changes are in the model."""
        self._run.end_round()
        return False, Metrics()


def visits(cohorts: np.ndarray) -> Iterator[Visit]:
    """Every device of every round, round after round, without an end: pfl draws ahead."""
    while True:
        for number, cohort in enumerate(cohorts):
            for device in cohort:
                yield number, int(device)


def training_data(run: PeerRun, length: int) -> FederatedDataset:
    """The devices as pfl's users, in the order of the course's cohorts.

    Args:
        run: whose course it is.
        length: L, positions of the encoder.
    """
    course = run.course
    negatives = torch.from_numpy(course.negatives.copy())

    def data_of(visit: Visit) -> PyTorchTensorDataset:
        number, device = visit
        events = torch.from_numpy(course.events(device, length))
        drawn = negatives[number]
        return PyTorchTensorDataset((events.expand(len(drawn), -1), drawn), user_id=str(device))

    weights = {
        (number, int(device)): len(course.events(device, length))
        for number, cohort in enumerate(course.cohorts)
        for device in cohort
    }
    endless = visits(course.cohorts)
    return FederatedDataset(data_of, lambda: next(endless), weights)


def main() -> None:
    """Train all rounds of the course."""
    run = PeerRun.from_arguments()
    torch.set_num_threads(1)
    np.random.seed(run.course.settings.seed)  # noqa: NPY002, TID251 - processes of pfl have to draw the same
    course = run.course
    module = DeviceModel(course.settings.preset, torch.from_numpy(course.features.copy()))
    load_flat(module, course.initial)
    central = torch.optim.SGD(module.parameters(), lr=course.settings.server_learning_rate)
    model = PyTorchModel(module, torch.optim.SGD, central_optimizer=central)
    data = training_data(run, module.length)
    run.begin()
    FederatedAveraging().run(
        NNAlgorithmParams(
            central_num_iterations=course.rounds,
            evaluation_frequency=course.rounds + 1,
            train_cohort_size=course.cohort,
            val_cohort_size=0,
        ),
        SimulatedBackend(data, data),
        model,
        NNTrainHyperParams(local_num_epochs=1, local_learning_rate=course.settings.learning_rate, local_batch_size=1),
        callbacks=[NotedRounds(run)],
        send_metrics_to_platform=False,
    )
    if get_default_framework_module().distributed.global_rank == 0:
        run.finish(flat_of(module.state_dict().values()), ("pfl",))


if __name__ == "__main__":
    main()
