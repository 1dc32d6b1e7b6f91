"""A Flower Grid that drives the real ServerApp and ClientApps in one process, without an engine.

The only place that uses Flower's private modules: the identity of a task, and its own serialisation.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from typing_extensions import override

RUN_ID = 1
SERVER_NODE = 1
CLIENT_RAISED = 2
"""Flower's error code for an exception in a ClientApp; its reason is the exception's text"""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One platform of the grid."""

    app: ClientApp
    config: Mapping[str, str | int]
    answers: bool = True
    """False for a platform that is online and never replies"""


@contextmanager
def task_identity(node: int = SERVER_NODE) -> Iterator[None]:
    """Inside, messages can be made: Flower writes the task's identity into each."""
    before = (TaskIdentity._task_id, TaskIdentity._run_id, TaskIdentity._node_id)
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, RUN_ID, node
    try:
        yield
    finally:
        TaskIdentity._task_id, TaskIdentity._run_id, TaskIdentity._node_id = before


class InProcessGrid(Grid):
    """Nodes by registered name, asked one after the other in the order of the messages."""

    def __init__(self, nodes: Mapping[str, Node], *, serialise: bool = True) -> None:
        self._run = Run.create_empty(RUN_ID)
        self._serialise = serialise
        self._nodes = dict(enumerate(nodes.values(), start=SERVER_NODE + 1))
        self._names = dict(enumerate(nodes, start=SERVER_NODE + 1))
        self._contexts = {node_id: _context(node_id, node) for node_id, node in self._nodes.items()}
        self._replies: dict[str, Message] = {}
        self._numbers = count(1)

    @override
    def set_run(self, run: Run) -> None:
        self._run = run

    @property
    @override
    def run(self) -> Run:
        return self._run

    @override
    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    @override
    def get_node_ids(self) -> Iterable[int]:
        return list(self._nodes)

    @override
    def get_nodes(self) -> Iterable[NodeInfo]:
        return [NodeInfo(node_id=node_id, name=name, status="online") for node_id, name in self._names.items()]

    @override
    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        identifiers = []
        for message in messages:
            identifier = f"message-{next(self._numbers)}"
            set_identifier(message, identifier)
            identifiers.append(identifier)
            answers = self._nodes[message.metadata.dst_node_id].answers
            self._replies[identifier] = self._reply(message, identifier) if answers else _nobody_took(message)
        return identifiers

    @override
    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self._replies.pop(identifier) for identifier in message_ids if identifier in self._replies]

    @override
    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))

    def _reply(self, message: Message, identifier: str) -> Message:
        node_id = message.metadata.dst_node_id
        arrived = self._carry(message, identifier)
        try:
            with task_identity(node_id):
                reply = self._nodes[node_id].app(arrived, self._contexts[node_id])
        except Exception as error:  # noqa: BLE001
            reply = Message(Error(CLIENT_RAISED, f"{type(error)}:<'{error}'>"), reply_to=arrived)
        return self._carry(reply, f"reply-{identifier}")

    def _carry(self, message: Message, identifier: str) -> Message:
        """The message as it comes out on the other side: through Flower's own bytes, if asked for."""
        if not self._serialise:
            return message
        contents = {key: value.deflate() for key, value in get_all_nested_objects(message).items()}
        carried = cast(Message, inflate_object_from_contents(message.object_id, contents))
        set_identifier(carried, identifier)
        return carried


def _nobody_took(message: Message) -> Message:
    """What the engine says at a message's deadline, here at once."""
    error = Error(ErrorCode.MESSAGE_UNAVAILABLE, "nobody took the message before its deadline")
    return Message(error, reply_to=message)


def _context(node_id: int, node: Node) -> Context:
    config: dict[str, Any] = dict(node.config)
    return Context(run_id=RUN_ID, node_id=node_id, node_config=config, state=RecordDict(), run_config={})


def set_identifier(message: Message, identifier: str) -> None:
    """What the engine does when it accepts a message.

    Args:
        message: that it accepts.
        identifier: by which it is known from then on.
    """
    message.metadata.__dict__["_message_id"] = identifier
