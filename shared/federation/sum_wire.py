"""Steps of a secure sum, and answers to them, to Flower records and back; reading is strict."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from shared.encoder.encoder import ArraySpec, Layout
from shared.errors import WireError
from shared.federation.sum_messages import SumReply, SumTask
from shared.federation.sum_work_wire import read_sum_work, work_records
from shared.federation.wire_records import (
    FLAT,
    HEADER,
    INTRODUCTIONS,
    SIGNATURE,
    SUM,
    WORK,
    Header,
    array_record,
    arrays_of,
    header_record,
)

_TASK: dict[str, type[Any]] = {"run": str, "nonce": str, "seen": str}
_REPLY: dict[str, type[Any]] = {"ledger": str}
_DIGEST = re.compile(r"|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ByteGrid:
    """So many bytes in one flat array, all of which may be anything: masks and keys look like nothing else."""

    size: int

    @cached_property
    def layout(self) -> Layout:
        """One array."""
        return Layout((ArraySpec(name="bytes", shape=(self.size,), dtype="int8"),))

    @property
    def bits(self) -> float:
        """All of them."""
        return 8.0 * self.size

    def fault(self, _flat: NDArray[np.int8]) -> str:
        """None has one."""
        return ""


def sum_task_records(task: SumTask) -> RecordDict:
    """A task as records; ``WORK`` stands before the names of those of what is summed."""
    header = header_record("sum-task", task.round, run=task.run, nonce=task.nonce, seen=task.seen)
    work = {} if task.work is None else work_records(task.work)
    beside = {WORK + name: record for name, record in work.items()}
    if task.introductions:
        beside[INTRODUCTIONS] = _record(task.introductions)
    return RecordDict({HEADER: header, SUM: _record(task.message), **beside})


def read_sum_task(content: RecordDict) -> SumTask:
    """Read a step of a secure sum, with what is summed, if a vector is asked for.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything else.
    """
    work = {name: record for name, record in content.items() if name.startswith(WORK)}
    records = set(content) - {SIGNATURE} - set(work) - {INTRODUCTIONS}
    header = Header.read(content.get(HEADER), "sum-task", _TASK, records=records, beside={SUM})
    introductions = _bytes(content[INTRODUCTIONS]) if INTRODUCTIONS in content else b""
    question = {**header.question, "seen": _digest(header, "seen")}
    message = _bytes(content[SUM])
    asked = RecordDict({name[len(WORK) :]: record for name, record in work.items()})
    sum_work = read_sum_work(asked, question) if work else None
    return SumTask(**question, message=message, work=sum_work, introductions=introductions)


def sum_reply_records(reply: SumReply) -> RecordDict:
    """An answer as records."""
    return RecordDict(
        {HEADER: header_record("sum-reply", reply.round, ledger=reply.ledger), SUM: _record(reply.answer)}
    )


def read_sum_reply(content: RecordDict) -> SumReply:
    """Read an answer in a step of a secure sum.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer.

    Raises:
        WireError: if they are anything else.
    """
    header = Header.read(content.get(HEADER), "sum-reply", _REPLY, records=set(content), beside={SUM})
    return SumReply(round=header.round, answer=_bytes(content[SUM]), ledger=_digest(header, "ledger"))


def _digest(header: Header, field: str) -> str:
    if not _DIGEST.fullmatch(text := header.text(field)):
        raise WireError(f"{field} must be 64 hexadecimal digits, or empty; found {text[:40]!r}")
    return text


def _record(content: bytes) -> ArrayRecord:
    return array_record(flat=np.frombuffer(content, np.int8))


def _bytes(record: Any) -> bytes:
    """What the record's array holds, however long it is."""
    array = record.get(FLAT) if isinstance(record, ArrayRecord) else None
    shape = tuple(array.shape) if array is not None else ()
    if len(shape) != 1 or shape[0] < 1:
        raise WireError(f"record {SUM!r} must hold bytes in the array {FLAT!r} alone")
    return arrays_of(record, SUM, {FLAT: ByteGrid(size=shape[0]).layout.lies})[FLAT].tobytes()
