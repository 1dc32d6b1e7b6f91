"""APPFL: its virtual-time simulation, synchronous rounds, all clients one after the other in one process.

All client agents share one module, since each loads the round's encoder before it trains; loggers are silent; and
``optimize_memory``, under which garbage is collected several times for each client, is off. The client agent of a
simulation does not take that from its config, so it is set on the agent.
"""

import logging
from copy import deepcopy

import numpy as np
import torch
from appfl.agent import SimClientAgent, SimServerAgent
from appfl.algorithm.aggregator import FedAvgAggregator
from appfl.algorithm.scheduler import SyncScheduler
from appfl.vsim import ClientProfile, SyncSimDriver
from omegaconf import OmegaConf
from torch import nn

from benchmarks.devices.local_steps import candidate_logits, flat_of, load_flat
from benchmarks.devices.peer_run import PeerRun
from shared.encoder.presets import PRESETS
from shared.encoder.towers import SequenceModule


class DeviceModel(SequenceModule):
    """The sequence part with the forward that APPFL's trainer asks for."""

    def __init__(self, preset: str, features: torch.Tensor, negatives: int) -> None:
        super().__init__(PRESETS[preset], features.shape[1])
        self._features, self._negatives = features, negatives

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Logits [1, 1 + m, T] of a batch of one row [1, T + 1 + m], events before negatives; the target's first."""
        events, negatives = items[0, : -self._negatives], items[0, -self._negatives :]
        return candidate_logits(self, self._features, events, negatives).T[None]


class Draws:
    """The negatives [S, m] of the round that is under way."""

    def __init__(self, negatives: torch.Tensor) -> None:
        self._negatives, self._number = negatives, -1

    def next_round(self) -> int:
        """Go on to the next round; its number from 0."""
        self._number += 1
        return self._number

    def of_step(self, step: int) -> torch.Tensor:
        """[m]."""
        return self._negatives[self._number, step]


class DeviceData(torch.utils.data.Dataset):
    """A row for each local step: the device's events and the step's negatives; targets are the first candidates."""

    def __init__(self, events: torch.Tensor, draws: Draws, steps: int) -> None:
        self._events, self._draws, self._steps = events, draws, steps
        self._targets = torch.zeros(len(events) - 1, dtype=torch.int64)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.cat([self._events, self._draws.of_step(step)]), self._targets


class SilentLogger:
    """Takes APPFL's tables of each client and shows nothing."""

    def log_title(self, titles: list) -> None:
        """Shows nothing."""

    set_title = log_content = info = log_title


class DeviceAgent(SimClientAgent):
    """A client; all share a module and a logger."""

    module: nn.Module
    silent = SilentLogger()

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.optimize_memory = False

    def _create_logger(self) -> None:
        self.logger = self.silent

    def _load_model(self) -> None:
        self.model = self.module

    def _load_metric(self) -> None:
        self.metric = lambda *_: 0.0  # the encoder is judged when all rounds are over


class ScaledFedAvg(FedAvgAggregator):
    """FedAvg with a rate of the server."""

    def compute_steps(self, local_models: dict) -> None:
        """The mean of the changes, times the rate."""
        super().compute_steps(local_models)
        for name in self.step:
            self.step[name] *= self.aggregator_configs.server_learning_rate


class DeviceServer(SimServerAgent):
    """A server with that aggregator and the first round's encoder."""

    module: nn.Module

    def _load_model(self) -> None:
        self.model = self.module

    def _load_scheduler(self) -> None:
        configs = self.server_agent_config.server_configs
        self.aggregator = ScaledFedAvg(self.model, configs.aggregator_kwargs, self.logger)
        self.scheduler = SyncScheduler(configs.scheduler_kwargs, self.aggregator, self.logger)


class CohortDriver(SyncSimDriver):
    """Takes the course's cohorts, and notes when rounds end."""

    def __init__(self, run: PeerRun, draws: Draws, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self._run, self._draws = run, draws

    def _select_participants(self) -> list[str]:
        return [str(device) for device in self._run.course.cohorts[self._draws.next_round()]]

    def _run_round(self) -> bool:
        is_done = super()._run_round()
        self._run.end_round()
        return is_done


def configs_of(run: PeerRun, clients: int) -> dict:
    """APPFL's unified config.

    Args:
        run: whose course it is.
        clients: how many there are.
    """
    course = run.course
    steps = int(course.negatives.shape[1])
    return {
        "algorithm_configs": {
            "num_global_epochs": course.rounds,
            "scheduler_kwargs": {"num_clients": clients, "optimize_memory": False},
            "aggregator_kwargs": {
                "client_weights_mode": "equal",
                "optimize_memory": False,
                "server_learning_rate": course.settings.server_learning_rate,
            },
            "trainer": "VanillaTrainer",
            "trainer_kwargs": {
                "mode": "step",
                "num_local_steps": steps,
                "optim": "SGD",
                "optim_args": {"lr": course.settings.learning_rate},
                "loss_fn": "CrossEntropyLoss",
                "train_batch_size": 1,
                "train_data_shuffle": False,
                "optimize_memory": False,
            },
        },
        "server_configs": {"optimize_memory": False},
        "log_configs": {"logging_output_dirname": str(run.out)},
    }


def main() -> None:
    """Train all rounds of the course."""
    run = PeerRun.from_arguments()
    torch.set_num_threads(1)
    course = run.course
    features = torch.from_numpy(course.features.copy())
    negatives = torch.from_numpy(course.negatives.copy())
    module = DeviceModel(course.settings.preset, features, negatives.shape[2])
    load_flat(module, course.initial)
    DeviceAgent.module, DeviceServer.module = module, deepcopy(module, {id(features): features})
    draws = Draws(negatives)
    devices = np.unique(course.cohorts)
    configs = OmegaConf.create(configs_of(run, len(devices)))
    agents = [
        DeviceAgent(
            configs,
            client_id=str(device),
            client_dataset=DeviceData(
                torch.from_numpy(course.events(device, module.length)), draws, negatives.shape[1]
            ),
        )
        for device in devices
    ]
    server = DeviceServer(configs, num_clients=len(devices))
    driver = CohortDriver(
        run,
        draws,
        server,
        agents,
        {agent.get_id(): ClientProfile() for agent in agents},
        course.cohort,
        logging.getLogger("rounds"),
        target_rounds=course.rounds,
    )
    run.begin()
    driver.run()
    run.finish(flat_of(server.get_parameters(serial_run=True).values()), ("appfl",))


if __name__ == "__main__":
    main()
