"""A Flower Grid whose nodes are simulated devices: who is there, how long an answer takes, and whether it comes at all.

The server's app asks them as it asks any node, in virtual time; what they are asked is done by the client's app for all
of a cohort at once.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from flwr.app import Message
from flwr.proto.node_pb2 import NodeInfo
from numpy.typing import NDArray
from typing_extensions import override

from shared.federation.wire import content_bytes
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from simulations.federation.in_process_grid import SERVER_NODE, InProcessGrid, set_identifier, task_identity

Answer = Callable[[Sequence[Message], NDArray[np.int64]], Iterable[Message]]
"""Gives the replies of devices, by their numbers, to messages of one task."""
FIRST_NODE = SERVER_NODE + 1


def device_name(number: int) -> str:
    """As the server knows a device."""
    return f"device-{number:07d}"


@dataclass(frozen=True, order=True)
class Arrival:
    """A reply that is under way."""

    seconds: float
    """virtual time at which it comes"""
    identifier: str
    """of the message that it answers"""


class DeviceGrid(InProcessGrid):
    """Devices by number; node id and name derive from it.

    Args:
        population: says who is there, and how long each takes.
        work: [U] what a device's training takes, in seconds of the median device.
        answer: does the devices' part.
        time: passes while the server waits.
        check_ins: most devices that the server sees at one moment, drawn among those available; 0: all.
    """

    def __init__(
        self,
        population: Population,
        work: NDArray[np.float64],
        answer: Answer,
        time: VirtualClock,
        *,
        check_ins: int = 0,
    ) -> None:
        super().__init__({}, serialise=False)
        self._population, self._work, self._answer, self._time = population, work, answer, time
        self._check_ins = check_ins
        self._coming: list[Arrival] = []

    @override
    def get_node_ids(self) -> Iterable[int]:
        return [FIRST_NODE + int(number) for number in self._there()]

    @override
    def get_nodes(self) -> Iterable[NodeInfo]:
        return [
            NodeInfo(node_id=FIRST_NODE + number, name=device_name(number), status="online")
            for number in self._there().tolist()
        ]

    @override
    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        sent = list(messages)
        identifiers = [f"message-{next(self._numbers)}" for _ in sent]
        for message, identifier in zip(sent, identifiers, strict=True):
            set_identifier(message, identifier)
        if sent:
            self._under_way(sent)
        return identifiers

    @override
    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        asked, replies = set(message_ids), []
        while self._coming and self._coming[0].seconds <= self._time.seconds:
            identifier = heapq.heappop(self._coming).identifier
            reply = self._replies.pop(identifier)
            if identifier in asked:
                replies.append(reply)
        return replies

    def _there(self) -> NDArray[np.int64]:
        """Numbers of the devices that the server sees now, in their order."""
        now = self._time.seconds
        if not self._check_ins:
            return np.flatnonzero(self._population.available(now))
        return np.sort(self._population.sample(now, self._check_ins, int(now), 0))

    def _under_way(self, messages: Sequence[Message]) -> None:
        """Have the answers worked out that will come, and when each does."""
        numbers = np.array([message.metadata.dst_node_id - FIRST_NODE for message in messages])
        with task_identity():
            replies = list(self._answer(messages, numbers))
        down = content_bytes(messages[0].content)
        up = max((content_bytes(reply.content) for reply in replies[:1]), default=0)
        start = self._time.seconds
        seconds = self._population.seconds(numbers, self._work[numbers], down, up)
        finished = self._population.finished(numbers, start, seconds)
        for place in np.flatnonzero(finished).tolist():
            identifier = messages[place].metadata.message_id
            self._replies[identifier] = replies[place]
            heapq.heappush(self._coming, Arrival(start + float(seconds[place]), identifier))
