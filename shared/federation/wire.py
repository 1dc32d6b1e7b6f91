"""Messages to Flower records and back.

An encoder, an update or a platform's moments travel as one flat array (cost grows with the number of arrays) beside a
header with its layout and the feature space's fingerprint. Reading is strict: whatever is not expected is refused.
"""

from functools import singledispatch
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from shared.encoder.encoder import Encoder
from shared.errors import WireError
from shared.federation.cross_wire import cross_reply_records, cross_task_records, read_cross_reply
from shared.federation.message_kinds import Reply, Task
from shared.federation.messages import (
    LOSSES,
    VALIDATIONS,
    CrossReply,
    CrossTask,
    Declined,
    DeclineReason,
    EvaluateReply,
    EvaluateTask,
    Failed,
    FailureCode,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.federation.moment_cells import MomentGrid, rounded_pairs
from shared.federation.sum_messages import SumReply, SumTask
from shared.federation.sum_wire import read_sum_reply, read_sum_task, sum_reply_records, sum_task_records
from shared.federation.wire_records import (
    ASKED,
    ENCODER,
    FLAT,
    HEADER,
    KNOWN,
    LAYOUT,
    METRICS,
    MOMENTS,
    OF_ENCODER,
    SETTINGS,
    SIGNATURE,
    Header,
    array_record,
    arrays_of,
    encoder_beside,
    encoder_records,
    encoder_spec,
    header_record,
    known_encoder,
    layout_fields,
    metrics_of,
    read_settings,
    space_text,
)

MOMENTS_TYPE, CROSS_TYPE, TRAIN_TYPE, EVALUATE_TYPE = "query.moments", "query.cross", "train", "evaluate"
SUM_TYPE = "query.sum"
"""Flower's message types"""

_ENCODER_TASK: dict[str, type[Any]] = {**ASKED, **OF_ENCODER}
_EVALUATE_TASK: dict[str, type[Any]] = {**_ENCODER_TASK, "noise": float}
_TRAIN_REPLY: dict[str, type[Any]] = {**LAYOUT, "fingerprint": str, "users": int}
_MOMENTS_REPLY: dict[str, type[Any]] = {**_TRAIN_REPLY, "dim": int, "pairs": int}


def content_bytes(content: RecordDict) -> int:
    """How many bytes a message's content takes, array by array and record by record."""
    total = 0
    for name, record in content.items():
        total += len(name) + len(record.deflate())
        if isinstance(record, ArrayRecord):
            total += sum(len(array.deflate()) + len(array.data) for array in record.values())
    return total


def round_of(header: Any) -> int:
    """The round that a message's header names, whatever else is wrong with it; 0 where it names none."""
    number = header.get("round") if isinstance(header, ConfigRecord) else None
    return number if type(number) is int else 0


@singledispatch
def encode_task(task: Task) -> RecordDict:
    """A task as records."""
    raise TypeError(f"expected a task; got {type(task).__name__}")


@encode_task.register
def _moments_task(task: MomentsTask) -> RecordDict:
    header = header_record(
        "moments-task", task.round, run=task.run, nonce=task.nonce, space=space_text(task.feature_space)
    )
    return RecordDict({HEADER: header})


encode_task.register(CrossTask, cross_task_records)


@encode_task.register
def _train_task(task: TrainTask) -> RecordDict:
    settings = ConfigRecord(dict(task.settings.to_flat()))
    return RecordDict({**encoder_records("train-task", task, nonce=task.nonce), SETTINGS: settings})


@encode_task.register
def _evaluate_task(task: EvaluateTask) -> RecordDict:
    return RecordDict({**encoder_records("evaluate-task", task, nonce=task.nonce, noise=task.noise)})


encode_task.register(SumTask, sum_task_records)


def decode_moments_task(content: RecordDict) -> MomentsTask:
    """Read a moments task.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything but a moments task.
    """
    header = Header.read(content.get(HEADER), "moments-task", ASKED, records=set(content) - {SIGNATURE})
    return MomentsTask(**header.question, feature_space=header.space())


def decode_train_task(content: RecordDict) -> TrainTask:
    """Read a training task.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything but a training task.
    """
    records = set(content) - {SIGNATURE}
    header = Header.read(
        content.get(HEADER), "train-task", _ENCODER_TASK, records=records, beside=encoder_beside(records) | {SETTINGS}
    )
    settings = read_settings(content[SETTINGS])
    spec = encoder_spec(header)
    whole = {} if KNOWN in content else arrays_of(content[ENCODER], ENCODER, {FLAT: spec.layout().lies})
    return TrainTask(
        **header.question,
        seed=header.number("seed"),
        encoder=Encoder(spec=spec, flat=whole[FLAT]) if whole else known_encoder(content, spec),
        settings=settings,
        keep=header.fields["keep"],
    )


def decode_evaluate_task(content: RecordDict) -> EvaluateTask:
    """Read an evaluation task.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything but an evaluation task.
    """
    records = set(content) - {SIGNATURE}
    header = Header.read(
        content.get(HEADER), "evaluate-task", _EVALUATE_TASK, records=records, beside=encoder_beside(records)
    )
    spec = encoder_spec(header)
    whole = {} if KNOWN in content else arrays_of(content[ENCODER], ENCODER, {FLAT: spec.layout().lies})
    return EvaluateTask(
        **header.question,
        seed=header.number("seed"),
        encoder=Encoder(spec=spec, flat=whole[FLAT]) if whole else known_encoder(content, spec),
        keep=header.fields["keep"],
        noise=header.noise(),
    )


def decode_sum_task(content: RecordDict) -> SumTask:
    """Read a step of a secure sum, with what is summed, if a vector is asked for.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything but such a step.
    """
    return read_sum_task(content)


@singledispatch
def encode_reply(reply: Reply) -> RecordDict:
    """A reply as records."""
    raise TypeError(f"expected a reply; got {type(reply).__name__}")


@encode_reply.register
def _moments_reply(reply: MomentsReply) -> RecordDict:
    grid = MomentGrid(dim=reply.moments.dim)
    header = header_record(
        "moments-reply",
        reply.round,
        dim=grid.dim,
        pairs=rounded_pairs(reply.moments.n),
        fingerprint=reply.fingerprint,
        users=reply.users,
        **layout_fields(grid.layout),
    )
    return RecordDict({HEADER: header, MOMENTS: array_record(flat=grid.nearest(reply.moments))})


encode_reply.register(CrossReply, cross_reply_records)
encode_reply.register(SumReply, sum_reply_records)


@encode_reply.register
def _train_reply(reply: TrainReply) -> RecordDict:
    header = header_record(
        "train-reply",
        reply.round,
        fingerprint=reply.fingerprint,
        users=reply.users,
        **layout_fields(reply.layout),
    )
    metrics = MetricRecord(dict(reply.losses))
    return RecordDict({HEADER: header, ENCODER: array_record(flat=reply.flat), METRICS: metrics})


@encode_reply.register
def _evaluate_reply(reply: EvaluateReply) -> RecordDict:
    header = header_record("evaluate-reply", reply.round, users=reply.users)
    return RecordDict({HEADER: header, METRICS: MetricRecord(dict(reply.validation))})


@encode_reply.register
def _declined(reply: Declined) -> RecordDict:
    return RecordDict({HEADER: header_record("declined", reply.round, reason=str(reply.reason))})


@encode_reply.register
def _failed(reply: Failed) -> RecordDict:
    return RecordDict({HEADER: header_record("failed", reply.round, code=str(reply.code), least=reply.least)})


def decode_moments_reply(content: RecordDict) -> MomentsReply | Declined | Failed:
    """Read an answer to a moments task.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer; or that the platform does not contribute, or met an error.

    Raises:
        WireError: if they are anything but such an answer.
    """
    header = _header_or_refusal(content, "moments-reply", _MOMENTS_REPLY, {MOMENTS})
    if not isinstance(header, Header):
        return header
    grid, layout = MomentGrid(dim=header.number("dim", least=1)), header.layout()
    if layout != grid.layout:
        raise WireError(f"the layout is not that of moments in {grid.dim} dimensions")
    cells = arrays_of(content[MOMENTS], MOMENTS, {FLAT: layout.lies})[FLAT]
    if fault := grid.fault(cells):
        raise WireError(f"record {MOMENTS!r}: {fault}")
    return MomentsReply(
        round=header.round,
        moments=grid.moments(cells, header.pairs()),
        fingerprint=header.text("fingerprint"),
        users=header.users(),
    )


def decode_cross_reply(content: RecordDict) -> CrossReply | Declined | Failed:
    """Read an answer to a task that asks for a cross moment.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer; or that the platform does not contribute, or met an error.

    Raises:
        WireError: if they are anything but such an answer.
    """
    refusal = _refusal(content.get(HEADER), set(content))
    return read_cross_reply(content) if refusal is None else refusal


def decode_sum_reply(content: RecordDict) -> SumReply | Declined | Failed:
    """Read an answer in a step of a secure sum.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer; or that the platform does not contribute, or met an error.

    Raises:
        WireError: if they are anything but such an answer.
    """
    refusal = _refusal(content.get(HEADER), set(content))
    return read_sum_reply(content) if refusal is None else refusal


def decode_train_reply(content: RecordDict) -> TrainReply | Declined | Failed:
    """Read an answer to a training task.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer; or that the platform does not contribute, or met an error.

    Raises:
        WireError: if they are anything but such an answer.
    """
    header = _header_or_refusal(content, "train-reply", _TRAIN_REPLY, {ENCODER, METRICS})
    if not isinstance(header, Header):
        return header
    layout = header.layout()
    return TrainReply(
        round=header.round,
        flat=arrays_of(content[ENCODER], ENCODER, {FLAT: layout.lies})[FLAT],
        layout=layout,
        fingerprint=header.text("fingerprint"),
        users=header.users(),
        losses=metrics_of(content[METRICS], LOSSES),
    )


def decode_evaluate_reply(content: RecordDict) -> EvaluateReply | Declined | Failed:
    """Read an answer to an evaluation task.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer; or that the platform does not contribute, or met an error.

    Raises:
        WireError: if they are anything but such an answer.
    """
    header = _header_or_refusal(content, "evaluate-reply", {"users": int}, {METRICS})
    if not isinstance(header, Header):
        return header
    return EvaluateReply(round=header.round, users=header.users(), validation=metrics_of(content[METRICS], VALIDATIONS))


def _header_or_refusal(
    content: RecordDict, kind: str, fields: dict[str, type[Any]], beside: set[str]
) -> Header | Declined | Failed:
    """The header of an answer of this kind, or the refusal that came in its place."""
    records = set(content)
    if (refusal := _refusal(content.get(HEADER), records)) is not None:
        return refusal
    return Header.read(content.get(HEADER), kind, fields, records=records, beside=beside)


def _refusal(header: Any, records: set[str]) -> Declined | Failed | None:
    """A platform's answer that it does not contribute or met an error, else None; ``records`` names the records."""
    kind = header.get("kind") if isinstance(header, ConfigRecord) else None
    try:
        if kind == "declined":
            read = Header.read(header, "declined", {"reason": str}, records=records)
            return Declined(round=read.round, reason=DeclineReason(read.text("reason")))
        if kind == "failed":
            read = Header.read(header, "failed", {"code": str, "least": int}, records=records)
            return Failed(round=read.round, code=FailureCode(read.text("code")), least=read.number("least"))
    except ValueError as error:
        raise WireError("the reason or code of a refusal is not one of the listed ones") from error
    return None
