"""Flower's ClientApp: a handler per message type; wiring only.

No answer leaves but past the guard, no error's text ever.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from client.guard.device_policy import DevicePolicy
from client.guard.egress_guard import EgressGuard
from client.guard.manifest import ExpectedReply
from client.guard.pinned_key import pinned_key
from client.guard.site_policy import SitePolicy, TaskKind
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace
from client.rounds.expected_reply import expected_reply_to, moment_of
from client.rounds.joined_device import open_holder
from client.rounds.sum_step import sum_reply
from client.rounds.told_answers import ToldAnswers, expected_reply_again
from client.rounds.workspace import NodeSettings, OpenWorkspace, Workspace
from client.store.head_store import open_heads
from shared.errors import (
    AnswerGone,
    BudgetBroken,
    ConfigError,
    DataError,
    EncoderUnknown,
    FeatureSpaceMismatch,
    GraftError,
    JournalError,
    NonceReused,
    OutboundRefused,
    PlainTask,
    PrivacyError,
    StorageError,
    SumRefused,
    TaskBeyondBounds,
    TaskUnsigned,
    TooClose,
    TooFewParties,
    TooFewUsers,
    UnknownParties,
    WireError,
)
from shared.federation.cross_wire import decode_cross_task
from shared.federation.message_kinds import Reply, Task
from shared.federation.messages import Declined, DeclineReason, Failed, FailureCode
from shared.federation.signatures import require_signed
from shared.federation.wire import (
    decode_evaluate_task,
    decode_moments_task,
    decode_sum_task,
    decode_train_task,
    encode_reply,
    round_of,
)
from shared.federation.wire_records import HEADER

TaskType = TypeVar("TaskType", bound=Task)

_LOG = logging.getLogger("graft.client")
SIMULATED_DEVICE = DevicePolicy(privacy="plain", tasks=(TaskKind.TRAIN,))
"""policy of devices that a simulation holds"""
_CODES: dict[type[Exception], FailureCode] = {
    ConfigError: FailureCode.SETTINGS,
    DataError: FailureCode.DATA,
    FeatureSpaceMismatch: FailureCode.FEATURE_SPACE,
    StorageError: FailureCode.HEAD_STORE,
    JournalError: FailureCode.HEAD_STORE,
    WireError: FailureCode.PROTOCOL,
    OutboundRefused: FailureCode.REFUSED,
    EncoderUnknown: FailureCode.ENCODER_UNKNOWN,
    PrivacyError: FailureCode.PRIVACY_LEDGER,
    TaskUnsigned: FailureCode.UNSIGNED,
    NonceReused: FailureCode.NONCE_REUSED,
    AnswerGone: FailureCode.ANSWER_GONE,
    UnknownParties: FailureCode.PARTIES_UNKNOWN,
    TooFewParties: FailureCode.TOO_FEW_PARTIES,
    TooClose: FailureCode.SUMS_TOO_CLOSE,
    SumRefused: FailureCode.SUM_REFUSED,
}
_REASONS: dict[type[Exception], DeclineReason] = {
    TooFewUsers: DeclineReason.TOO_FEW_USERS,
    TaskBeyondBounds: DeclineReason.TASK_BOUNDS,
    PlainTask: DeclineReason.PRIVACY,
    BudgetBroken: DeclineReason.PRIVACY_BUDGET,
}


def client_app(open_platform: OpenWorkspace = open_holder) -> ClientApp:
    """The app of a platform that ``open_platform`` opens for each task.

    What works on data is read by the tasks that need it: most of a masked run's messages do not.
    """
    flower_app = ClientApp()

    @flower_app.query("moments")
    def moments(message: Message, context: Context) -> Message:
        """Answer a moments task."""
        from client.rounds.round_tasks import moments_reply

        return _answer(message, context, TaskKind.MOMENTS, decode_moments_task, moments_reply, open_platform)

    @flower_app.query("cross")
    def cross(message: Message, context: Context) -> Message:
        """Answer a task that asks for a cross moment under noise."""
        from client.rounds.private_release import cross_reply

        return _answer(message, context, TaskKind.CROSS, decode_cross_task, cross_reply, open_platform)

    @flower_app.train()
    def train(message: Message, context: Context) -> Message:
        """Answer a training task."""
        from client.rounds.round_tasks import train_reply

        return _answer(message, context, TaskKind.TRAIN, decode_train_task, train_reply, open_platform)

    @flower_app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        """Answer an evaluation task."""
        from client.rounds.round_tasks import evaluate_reply

        return _answer(message, context, TaskKind.EVALUATE, decode_evaluate_task, evaluate_reply, open_platform)

    @flower_app.query("sum")
    def step(message: Message, context: Context) -> Message:
        """Answer a step of a secure sum."""
        return _answer(message, context, TaskKind.SUM, decode_sum_task, sum_reply, open_platform)

    return flower_app


def _answer(
    message: Message,
    context: Context,
    kind: TaskKind,
    decode: Callable[[RecordDict], TaskType],
    work: Callable[[TaskType, Workspace], Reply],
    open_platform: OpenWorkspace,
) -> Message:
    """The reply, past the guard, or of an error its code alone: the engine would send the exception's text on."""
    expected = ExpectedReply.unopened(kind, round_of(message.content.get(HEADER)))
    egress_guard = EgressGuard(SitePolicy(), None)
    try:
        settings = NodeSettings.from_node_config(context.node_config)
        egress_guard = EgressGuard.of(settings.policy, settings.ledger, kind=settings.policy_kind)
        if (declined := egress_guard.turned_away(expected)) is not None:
            return Message(egress_guard.let_out(declined, expected), reply_to=message)
        if (key := pinned_key(settings.coordinator)) is not None:
            require_signed(message.content, settings.name, key)
        task = decode(message.content)
        facts = task.facts
        egress_guard.policy.require_within_bounds(facts)
        answers = ToldAnswers(open_heads(Path(settings.heads), settings.vault_key))
        if (answer := answers.again(facts)) is not None:
            expected = expected_reply_again(facts, answer)
            return Message(egress_guard.let_out_encoded(answer.content, expected), reply_to=message)
        workspace = open_platform(settings, egress_guard.policy, moment_of(facts, message.metadata.message_id))
        expected = expected_reply_to(facts, workspace)
        reply = work(task, workspace)
        content = egress_guard.let_out(reply, expected, lambda content: answers.keep(facts, content, expected))
    except Exception as error:  # noqa: BLE001
        content = _failure(error, expected, egress_guard)
    return Message(content, reply_to=message)


class CohortAnswers:
    """A training task to devices that one process holds, opened once; each answer goes past the guard.

    Args:
        content: the task in records.
        catalogue: as the devices have it.

    Raises:
        GraftError: if the task cannot be read, or lies beyond what a device does.
    """

    def __init__(self, content: RecordDict, catalogue: DeviceCatalogue) -> None:
        from client.rounds.device_tasks import CohortTask

        self._egress_guard = EgressGuard(SIMULATED_DEVICE, None)
        task = decode_train_task(content)
        facts = task.facts
        self._egress_guard.policy.require_within_bounds(facts)
        self._expected = expected_reply_to(facts, DeviceWorkspace(catalogue=catalogue, history=np.empty(0, np.int32)))
        self._task = CohortTask(task, catalogue)

    def chunks(self, events: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows of devices that are worked on at once, by how many events each has [K]; all devices are in one."""
        return self._task.chunks(events)

    def contents(self, devices: Sequence[DeviceWorkspace]) -> Iterator[RecordDict]:
        """The answers of devices in records, in their order; worked out by what a device calls for itself alone."""
        for reply in self._task.replies(devices):
            yield self._egress_guard.let_out(reply, self._expected)


def _failure(error: Exception, expected: ExpectedReply, egress_guard: EgressGuard) -> RecordDict:
    """The error's code; it leaves even where it cannot be written down, for the engine would else tell more."""
    _log_here(error)
    codes = (code for kind, code in _CODES.items() if isinstance(error, kind))
    least = egress_guard.policy.least_parties if isinstance(error, TooFewParties | TooClose) else 0
    failed = Failed(round=expected.round, code=next(codes, FailureCode.INTERNAL), least=least)
    reason = next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), None)
    try:
        return egress_guard.let_out(
            failed if reason is None else Declined(round=expected.round, reason=reason), expected
        )
    except GraftError as further:
        _log_here(further)
        return encode_reply(failed)


def _log_here(error: Exception) -> None:
    """The platform's own log: an unforeseen error's text could quote data, so only its kind and place stand there."""
    if isinstance(error, GraftError):
        _LOG.error("task failed: %s", error)
        return
    place = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error("task failed: %s at %s:%s", type(error).__name__, place.filename, place.lineno)


app = client_app()
