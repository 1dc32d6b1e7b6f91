"""What counts as no answer, and what as a failure."""

from collections.abc import Iterable
from typing import cast

import pytest
from flwr.app import Error, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid

from server.rounds.exchange import Answers, Clock, Exchange, Question
from shared.federation.config import RoundsConfig
from simulations.federation.in_process_grid import task_identity


class Engine:
    """Answers every question with an error of its own, or not at all."""

    def __init__(self, code: int | None, seconds: float = 30) -> None:
        self._code, self._seconds = code, seconds

    def get_nodes(self) -> list[NodeInfo]:
        return [NodeInfo(node_id=1, name="north"), NodeInfo(node_id=2, name="south")]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float) -> list[Message]:
        assert timeout == self._seconds
        if self._code is None:
            return []
        for number, message in enumerate(messages):
            message.metadata.__dict__["_message_id"] = str(number)
        return [Message(Error(code=self._code, reason="said the engine"), reply_to=message) for message in messages]


def asked(code: int | None) -> Answers[RecordDict]:
    with task_identity():
        exchange = Exchange(
            cast("Grid", Engine(code)),
            RoundsConfig(deadline_seconds=30),
            Clock(now=lambda: 0.0, sleep=lambda _seconds: None),
        )
        return exchange.ask(
            Question(
                message_type="train",
                round=1,
                write=lambda _encoder, _seen: RecordDict(),
                screen=lambda content: content,
            )
        )


@pytest.mark.parametrize(
    "code",
    [None, ErrorCode.MESSAGE_UNAVAILABLE, ErrorCode.REPLY_MESSAGE_UNAVAILABLE, ErrorCode.NODE_UNAVAILABLE],
)
def test_counts_what_nobody_took_in_time_as_missing(code: int | None) -> None:
    answers = asked(code)
    assert list(answers.others["missing"]) == ["north", "south"]
    assert answers.unanswered == ["north", "south"]
    assert not answers.others["failed"]


def test_counts_a_crash_as_a_failure_that_may_be_asked_again() -> None:
    answers = asked(ErrorCode.CLIENT_APP_CRASHED)
    assert answers.others["failed"] == {"north": "engine-8", "south": "engine-8"}
    assert answers.unanswered == ["north", "south"]
    assert not answers.others["missing"]


@pytest.mark.parametrize(
    ("config", "is_short", "seconds"),
    [
        (RoundsConfig(deadline_seconds=30, stage_seconds=7), True, 7),
        (RoundsConfig(deadline_seconds=30, stage_seconds=7), False, 30),
        (RoundsConfig(deadline_seconds=5, stage_seconds=7), True, 5),
        (RoundsConfig(deadline_seconds=30, stage_seconds=7, require_all=True), True, 30),
    ],
)
def test_a_question_without_training_has_the_shorter_deadline_where_not_all_are_required(
    config, is_short, seconds
) -> None:
    exchange = Exchange(cast("Grid", Engine(None)), config, Clock(now=lambda: 0.0, sleep=lambda _seconds: None))
    assert exchange._seconds(is_short=is_short) == seconds


def test_asks_with_that_deadline() -> None:
    clock = Clock(now=lambda: 0.0, sleep=lambda _seconds: None)
    config = RoundsConfig(deadline_seconds=30, stage_seconds=7)
    exchange = Exchange(cast("Grid", Engine(ErrorCode.UNKNOWN, seconds=7)), config, clock)
    question: Question[RecordDict] = Question(
        message_type="query.sum",
        round=1,
        is_short=True,
        write=lambda _encoder, _seen: RecordDict(),
        screen=lambda content: content,
    )
    with task_identity():
        assert list(exchange.ask(question).others["failed"]) == ["north", "south"]
