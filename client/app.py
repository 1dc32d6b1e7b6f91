"""Flower's ClientApp: a handler per message type; wiring only, and no error's text leaves the platform."""

import logging
import traceback
from collections.abc import Callable

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from client.round_tasks import evaluate_reply, moments_reply, train_reply
from client.workspace import NodeSettings, Workspace, open_workspace
from shared.errors import (
    ConfigError,
    DataError,
    EncoderUnknown,
    FeatureSpaceMismatch,
    GraftError,
    StorageError,
    WireError,
)
from shared.messages import Failed, FailureCode, Reply
from shared.wire import decode_evaluate_task, decode_moments_task, decode_train_task, encode_reply, round_of

app = ClientApp()

_LOG = logging.getLogger("graft.client")
_CODES: dict[type[Exception], FailureCode] = {
    ConfigError: FailureCode.SETTINGS,
    DataError: FailureCode.DATA,
    FeatureSpaceMismatch: FailureCode.FEATURE_SPACE,
    StorageError: FailureCode.HEAD_STORE,
    WireError: FailureCode.PROTOCOL,
    EncoderUnknown: FailureCode.ENCODER_UNKNOWN,
}


@app.query("moments")
def moments(message: Message, context: Context) -> Message:
    """Answer a moments task."""
    return _answer(message, context, lambda workspace: moments_reply(decode_moments_task(message.content), workspace))


@app.train()
def train(message: Message, context: Context) -> Message:
    """Answer a training task."""
    return _answer(message, context, lambda workspace: train_reply(decode_train_task(message.content), workspace))


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Answer an evaluation task."""
    return _answer(message, context, lambda workspace: evaluate_reply(decode_evaluate_task(message.content), workspace))


def _answer(message: Message, context: Context, work: Callable[[Workspace], Reply]) -> Message:
    """The reply, or of an error its code alone: the engine would send the exception's text to the server."""
    try:
        content = encode_reply(work(open_workspace(NodeSettings.from_node_config(context.node_config))))
    except Exception as error:  # noqa: BLE001
        _log_here(error)
        content = encode_reply(Failed(round=round_of(message.content), code=_code_of(error)))
    return Message(content, reply_to=message)


def _code_of(error: Exception) -> FailureCode:
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), FailureCode.INTERNAL)


def _log_here(error: Exception) -> None:
    """The platform's own log: an unforeseen error's text could quote data, so only its kind and place stand there."""
    if isinstance(error, GraftError):
        _LOG.error("task failed: %s", error)
        return
    place = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error("task failed: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
