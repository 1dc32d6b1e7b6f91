"""A question that is asked again gets the answer that left, byte for byte; its nonce is good for nothing else.

Kept are the last answer to each kind of question and the nonces of the last 4,096 questions that were answered:
declines and failures are no answers. A question whose nonce is known is refused where it asks for anything else, and
where its answer is no longer kept.

An answer is on the disk before it leaves, and its nonce among the known ones after that: whatever is killed between,
the same answer leaves when the question comes again, or is made again from the head that it was made from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

from client.guard.manifest import ExpectedReply
from client.guard.site_policy import TaskKind
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import AnswerGone, NonceReused
from shared.federation.messages import TaskFacts
from shared.federation.wire_records import FLAT, HEADER, METRICS, array_record

NONCES = "answered"
"""Record of the known nonces."""
MOST_NONCES = 4096
"""Some hundred runs of twelve rounds; an older question is one that was never asked."""
_KNOWN = ("fingerprint", "dim", "training_users", "catalogue", "seal", "answer_bytes")
"""What the guard knew of the platform, and the coordinator of its privacy ledger, when the answer left."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ToldAnswer:
    """What left, and what the guard knew when it let it leave."""

    content: RecordDict
    known: Mapping[str, Any]


def expected_reply_again(task: TaskFacts, answer: ToldAnswer) -> ExpectedReply:
    """What the guard holds an answer to that was told before.

    Args:
        task: the question that came again.
        answer: what was told, with what the platform knew of it then.

    Returns:
        the expected reply, as the guard sees it.
    """
    return ExpectedReply(
        task=TaskKind(task.kind),
        round=task.round,
        grid=task.grid,
        encoder=task.encoder,
        noise=task.noise,
        is_without_data=task.is_without_data,
        **answer.known,
    )


class ToldAnswers:
    """In a platform's head store; raises StorageError."""

    def __init__(self, heads: HeadStore) -> None:
        self._heads = heads

    def again(self, task: TaskFacts) -> ToldAnswer | None:
        """What was answered to a question before.

        Args:
            task: the question.

        Returns:
            the answer; None where the question is a new one.

        Raises:
            NonceReused: if its nonce is another question's.
            AnswerGone: if the answer is no longer kept.
        """
        stored = self._heads.read(_record(task))
        if stored is None or stored.facts["nonce"] != task.nonce:
            if bytes.fromhex(task.nonce) in self._nonces():
                raise AnswerGone("this question was answered before, and the answer is no longer kept")
            return None
        if stored.facts["meaning"] != task.meaning:
            raise NonceReused("the nonce of a question that was answered before, and other content")
        return ToldAnswer(content=_content(stored), known=stored.facts["known"])

    def keep(self, task: TaskFacts, content: RecordDict, expected: ExpectedReply) -> None:
        """Keep an answer before it leaves; the one before it is forgotten, but for its nonce.

        Args:
            task: the question.
            content: the encoded answer.
            expected: what the guard held the answer to.

        Raises:
            StorageError: if it cannot be written.
        """
        before = self._heads.read(_record(task))
        if before is not None:
            self._remember(before.facts["nonce"])
        self._heads.write(_record(task), _stored(task, content, expected))
        self._remember(task.nonce)

    def _remember(self, nonce: str) -> None:
        nonces = self._nonces()
        if (encoded := bytes.fromhex(nonce)) not in nonces:
            rows = np.frombuffer(b"".join([*nonces, encoded][-MOST_NONCES:]), np.uint8).reshape(-1, len(encoded))
            self._heads.write(NONCES, StoredRecord(arrays={"nonces": rows}))

    def _nonces(self) -> list[bytes]:
        """The oldest first."""
        stored = self._heads.read(NONCES)
        return [] if stored is None else [row.tobytes() for row in stored.arrays["nonces"]]


def _record(task: TaskFacts) -> str:
    return f"answer-{task.kind}"


def _stored(task: TaskFacts, content: RecordDict, expected: ExpectedReply) -> StoredRecord:
    arrays: dict[str, NDArray[Any]] = {name: record[FLAT].numpy() for name, record in content.array_records.items()}
    metrics = content.metric_records.get(METRICS)
    facts = {
        "nonce": task.nonce,
        "meaning": task.meaning,
        "known": {name: getattr(expected, name) for name in _KNOWN},
        "order": list(content),
        HEADER: list(content.config_records[HEADER].items()),
        METRICS: None if metrics is None else list(metrics.items()),
    }
    return StoredRecord(arrays=arrays, facts=facts)


def _content(stored: StoredRecord) -> RecordDict:
    records: dict[str, Any] = {name: array_record(flat=flat) for name, flat in stored.arrays.items()}
    records[HEADER] = ConfigRecord(dict(stored.facts[HEADER]))
    records[METRICS] = MetricRecord(dict(stored.facts[METRICS] or ()))
    return RecordDict({name: records[name] for name in stored.facts["order"]})
