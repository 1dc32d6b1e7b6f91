"""A Flower app by the message API: a virtual node is a device of the round's cohort.

The strategy is FedAvgM without momentum, which is FedAvg with a rate of the server. Actors import this module once;
what a device needs of the course stays with them between messages. The encoder travels as one array, in two thirds of
the time that its 23 arrays take.
"""

import os
from functools import cache
from pathlib import Path

import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvgM

from benchmarks.devices.device_course import DeviceCourse
from benchmarks.devices.local_steps import flat_of, load_flat, module_of, train_on_device
from benchmarks.devices.peer_run import PeerRun
from shared.encoder.towers import SequenceModule

COURSE = "GRAFT_DEVICE_COURSE"
"""Environment variable with the course's folder."""


@cache
def opened() -> tuple[DeviceCourse, torch.Tensor, SequenceModule]:
    """The course, the catalogue's vectors [n, D] and a module, once for each process."""
    torch.set_num_threads(1)
    course = DeviceCourse.read(Path(os.environ[COURSE]))
    features = torch.from_numpy(course.features.copy())
    return course, features, module_of(course.settings.preset, features.shape[1], course.initial)


client_app = ClientApp()


@client_app.train()
def train(message: Message, context: Context) -> Message:
    """Train the round's encoder on the device that this node stands for, and send it back."""
    course, features, module = opened()
    load_flat(module, *message.content["arrays"].to_numpy_ndarrays())
    this_round = message.content["config"]["server-round"] - 1
    device = course.cohorts[this_round, context.node_config["partition-id"]]
    events = torch.from_numpy(course.events(device, module.length))
    negatives = torch.from_numpy(course.negatives[this_round].copy())
    train_on_device(module, features, events, negatives, course.settings.learning_rate)
    trained = ArrayRecord([flat_of(module.state_dict().values())])
    content = RecordDict({"arrays": trained, "metrics": MetricRecord({"num-examples": 1})})  # all weigh the same
    return Message(content=content, reply_to=message)


class NotedFedAvg(FedAvgM):
    """The strategy, which notes when rounds begin and end."""

    def __init__(self, run: PeerRun) -> None:
        nodes = run.course.cohort
        super().__init__(
            fraction_evaluate=0.0,
            min_train_nodes=nodes,
            min_available_nodes=nodes,
            server_learning_rate=run.course.settings.server_learning_rate,
        )
        self._run = run

    def configure_train(self, server_round, arrays, config, grid):
        """As FedAvgM does."""
        if server_round == 1:
            self._run.begin()
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        """As FedAvgM does; raises ValueError where a device failed."""
        replies = list(replies)
        if any(reply.has_error() for reply in replies) or len(replies) != self._run.course.cohort:
            raise ValueError(f"round {server_round}: expected an answer of each device")
        aggregated = super().aggregate_train(server_round, replies)
        self._run.end_round()
        return aggregated


def server_app_of(run: PeerRun) -> ServerApp:
    """The app that asks all nodes in each round and leaves the results of ``run``."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, _: Context) -> None:
        initial = ArrayRecord([run.course.initial.copy()])
        result = NotedFedAvg(run).start(grid, initial, num_rounds=run.course.rounds)
        run.finish(*result.arrays.to_numpy_ndarrays(), ("flwr", "ray"))

    return app
