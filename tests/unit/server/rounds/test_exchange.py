"""What counts as no answer, and what as a failure."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import cast

import pytest
from flwr.app import Error, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid

from server.rounds.exchange import Answers, Exchange, Question
from server.rounds.waiting import Clock
from shared.errors import FederationError
from shared.federation.config import RoundsConfig
from simulations.federation.in_process_grid import task_identity


class Engine:
    """Answers every question with an error of its own, or not at all."""

    def __init__(self, code: int | None) -> None:
        self._code, self.time = code, 0.0
        self.pushed: list[Message] = []
        self.activated = {1: "monday", 2: "monday"}

    def get_nodes(self) -> list[NodeInfo]:
        names = {1: "north", 2: "south"}
        return [NodeInfo(node_id=node, name=names[node], last_activated_at=at) for node, at in self.activated.items()]

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        for message in messages:
            message.metadata.__dict__["_message_id"] = str(len(self.pushed))
            self.pushed.append(message)
        return [message.metadata.message_id for message in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        asked = [self.pushed[int(identifier)] for identifier in message_ids]
        return [reply for message in asked if (reply := self.reply(message)) is not None]

    def reply(self, message: Message) -> Message | None:
        if self._code is None:
            return None
        return Message(Error(code=self._code, reason="said the engine"), reply_to=message)

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)


class Restarting(Engine):
    """The process of north ends after it took the question; what it is asked then it answers."""

    def __init__(self, after: float, *, answers_then: bool = True) -> None:
        super().__init__(None)
        self._after, self._answers_then = after, answers_then

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time >= self._after:
            self.activated[1] = "tuesday"

    def reply(self, message: Message) -> Message | None:
        if message.metadata.dst_node_id == 1 and (self.activated[1] == "monday" or not self._answers_then):
            return None
        if message.metadata.dst_node_id == 1 and message is self.pushed[0]:
            return None  # lost with the process that took it
        return Message(RecordDict(), reply_to=message)


def ask(engine: Engine, config: RoundsConfig) -> Answers[RecordDict]:
    with task_identity():
        exchange = Exchange(cast("Grid", engine), config, engine.clock)
        return exchange.ask(
            Question(
                message_type="train",
                stage="train",
                round=1,
                write=lambda _encoder, _seen: RecordDict(),
                screen=lambda content: content,
            )
        )


def asked(code: int | None) -> Answers[RecordDict]:
    return ask(Engine(code), RoundsConfig(deadline_seconds=30))


@pytest.mark.parametrize("require_all", [True, False])
def test_asks_again_who_lost_the_question_with_a_process_that_ended(require_all: bool) -> None:
    engine = Restarting(after=7)
    answers = ask(engine, RoundsConfig(deadline_seconds=600, require_all=require_all))
    assert list(answers.replies) == ["north", "south"]
    assert [message.metadata.dst_node_id for message in engine.pushed] == [1, 2, 1]
    assert engine.time < 10


def test_waits_for_who_was_started_anew_until_the_deadline_and_no_longer() -> None:
    engine = Restarting(after=7, answers_then=False)
    answers = ask(engine, RoundsConfig(deadline_seconds=30))
    assert list(answers.replies) == ["south"]
    assert list(answers.others["missing"]) == ["north"]
    assert engine.time == pytest.approx(30, abs=2)


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
    engine = Engine(None)
    question: Question[RecordDict] = Question(
        message_type="query.sum",
        stage="keys",
        round=1,
        is_short=is_short,
        write=lambda _encoder, _seen: RecordDict(),
        screen=lambda content: content,
    )
    stays_away = pytest.raises(FederationError, match="none of north, south")
    with task_identity(), stays_away if config.require_all else nullcontext():
        answers = Exchange(cast("Grid", engine), config, engine.clock).ask(question)
        assert list(answers.others["missing"]) == ["north", "south"]
    assert engine.time == seconds
