"""What takes the server's step: what an aggregation is, and Flower's own strategies as one.

Flower's are fed with the differences to the server's encoder. Their aggregation is used as it is; what surrounds it is
not: they sample platforms for ever, compare replies only with each other, and FedAdam answers in float64. On
differences the strategy's current arrays are always zero, and what it returns is the step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAdam, FedAvg, FedAvgM
from numpy.typing import NDArray

from shared.federation.config import Aggregation as AggregationName
from shared.federation.config import RoundsConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class Update:
    """What one platform's reply would change, and how much it counts."""

    name: str
    """the platform's registered name"""
    difference: NDArray[np.float64]
    """[P] its encoder minus the server's"""
    weight: float


class Aggregation(Protocol):
    """Made once for a run; P numbers in an encoder."""

    def step(
        self, encoder: NDArray[np.float32], updates: Sequence[Update], *, round_number: int
    ) -> NDArray[np.float32]:
        """The next encoder, from the present one and the platforms' updates.

        Args:
            encoder: [P] the present encoder.
            updates: what the platforms' replies would change, and how much each counts.
            round_number: number of the training round, from 1.

        Returns:
            [P] the next encoder.
        """
        ...


@runtime_checkable
class Resumable(Protocol):
    """An aggregation whose state can be kept, so that a run that was stopped goes on with it."""

    def state(self) -> Mapping[str, NDArray[np.float64]]:
        """What it has learnt so far, by name; empty before the first step."""
        ...

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from what ``state`` gave.

        Args:
            state: arrays by name; empty where no step was taken.
        """
        ...


BuildAggregation = Callable[[RoundsConfig], Aggregation]
"""Makes the aggregation of a run."""

FLAT = "flat"
WEIGHT = "num-examples"


def _fedavg(_config: RoundsConfig) -> FedAvg:
    return FedAvg()


def _fedavgm(config: RoundsConfig) -> FedAvg:
    return FedAvgM(server_learning_rate=config.server_learning_rate, server_momentum=config.server_momentum)


def _fedadam(config: RoundsConfig) -> FedAvg:
    return FedAdam(eta=config.server_learning_rate, beta_1=config.server_momentum)


AGGREGATIONS: dict[AggregationName, Callable[[RoundsConfig], FedAvg]] = {
    "fedavg": _fedavg,
    "fedavgm": _fedavgm,
    "fedadam": _fedadam,
}


class ServerOptimiser:
    """Keeps the strategy, and with it momentum and second moments, from round to round."""

    def __init__(self, config: RoundsConfig) -> None:
        self.strategy = AGGREGATIONS[config.aggregation](config)

    def step(
        self, encoder: NDArray[np.float32], updates: Sequence[Update], *, round_number: int
    ) -> NDArray[np.float32]:
        """The next encoder, by a step of Flower's strategy.

        Args:
            encoder: [P] the present encoder.
            updates: what the platforms' replies would change, and how much each counts; the order in which they came
                makes no difference to any bit of the result.
            round_number: number of the training round, from 1.

        Returns:
            [P] the next encoder; the present one where there are no updates, or the strategy takes no step.
        """
        if not updates:
            return encoder
        replies = []
        for update in sorted(updates, key=lambda update: update.name):
            arrays, metrics = ArrayRecord({FLAT: Array(update.difference)}), MetricRecord({WEIGHT: update.weight})
            content = RecordDict({"arrays": arrays, "metrics": metrics})
            replies.append(Message(content, dst_node_id=0, message_type=MessageType.TRAIN))
        if isinstance(self.strategy, FedAvgM):
            self.strategy.current_arrays = ArrayRecord({FLAT: Array(np.zeros(len(encoder)))})
        elif isinstance(self.strategy, FedAdam):
            self.strategy.current_arrays = {FLAT: np.zeros(len(encoder))}
        step, _metrics = self.strategy.aggregate_train(round_number, replies)
        if step is None:
            return encoder
        return (encoder.astype(np.float64) + step[FLAT].numpy()).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """[P] each: momentum (``m``) and second moments (``v``), as far as the strategy has them."""
        if isinstance(self.strategy, FedAvgM):
            momentum = self.strategy.momentum_vector
            return {} if momentum is None else {"m": momentum[0]}
        if isinstance(self.strategy, FedAdam) and self.strategy.m_t and self.strategy.v_t:
            return {"m": self.strategy.m_t[FLAT], "v": self.strategy.v_t[FLAT]}
        return {}

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from what ``state`` gave.

        Args:
            state: [P] each, by name: ``m`` and ``v``; empty where no step was taken.
        """
        if not state:
            return
        if isinstance(self.strategy, FedAvgM):
            self.strategy.momentum_vector = [state["m"]]
        elif isinstance(self.strategy, FedAdam):
            self.strategy.m_t, self.strategy.v_t = {FLAT: state["m"]}, {FLAT: state["v"]}
