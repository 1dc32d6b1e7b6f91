"""One question to every platform online: sent, waited for until the deadline, and the answers sorted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flwr.app import Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from shared.errors import ReplyRejected
from shared.federation.messages import Declined, Failed
from shared.federation.wire import content_bytes

ReplyType = TypeVar("ReplyType")
ENGINE = "engine-"
"""begins the code of a failure that the engine, not the platform, reports"""
_NOTHING_CAME = (ErrorCode.MESSAGE_UNAVAILABLE, ErrorCode.REPLY_MESSAGE_UNAVAILABLE, ErrorCode.NODE_UNAVAILABLE)
"""the engine's own words for a question that nobody took before its deadline, or whose answer came after it"""


@dataclass(kw_only=True)
class Answers(Generic[ReplyType]):
    """Who answered what; every platform asked is in exactly one of the five."""

    replies: dict[str, ReplyType] = field(default_factory=dict)
    """usable ones, in the order of the platforms' names"""
    declined: dict[str, str] = field(default_factory=dict)
    """name to reason"""
    failed: dict[str, str] = field(default_factory=dict)
    """name to code"""
    dropped: dict[str, str] = field(default_factory=dict)
    """name to why its reply was not used"""
    missing: list[str] = field(default_factory=list)
    """no reply before the deadline"""
    bytes_down: int = 0
    """server to platforms"""
    bytes_up: int = 0
    """platforms to server"""

    def asked(self) -> list[str]:
        """All platforms, whatever they answered."""
        return [*self.replies, *self.declined, *self.failed, *self.dropped, *self.missing]

    def unanswered(self) -> list[str]:
        """Who may answer if asked again: nothing came, or the engine's word that the platform's process ended."""
        lost = [name for name, code in self.failed.items() if code.startswith(ENGINE)]
        return sorted([*lost, *self.missing])

    def completed(self, later: "Answers[ReplyType]") -> "Answers[ReplyType]":
        """With the answers of those who were asked again, in the order of names; the bytes add up."""
        again = set(later.asked())

        def merged(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
            kept = {name: value for name, value in mine.items() if name not in again}
            return dict(sorted({**kept, **theirs}.items()))

        return Answers(
            replies=merged(self.replies, later.replies),
            declined=merged(self.declined, later.declined),
            failed=merged(self.failed, later.failed),
            dropped=merged(self.dropped, later.dropped),
            missing=sorted({*self.missing, *later.missing} - (again - set(later.missing))),
            bytes_down=self.bytes_down + later.bytes_down,
            bytes_up=self.bytes_up + later.bytes_up,
        )


def platforms_online(grid: Grid) -> dict[str, int]:
    """Registered name to node id, in the order of names; a node without a name goes by its id."""
    names: dict[str, int] = {}
    for node in sorted(grid.get_nodes(), key=lambda node: int(node.node_id)):
        name = node.name or f"node-{node.node_id}"
        names[name if name not in names else f"{name}-{node.node_id}"] = int(node.node_id)
    return dict(sorted(names.items()))


def ask(
    grid: Grid,
    platforms: Mapping[str, int],
    questions: Mapping[str, RecordDict],
    *,
    message_type: str,
    round_number: int,
    deadline_seconds: float,
    screen: Callable[[RecordDict], ReplyType | Declined | Failed],
) -> Answers[ReplyType]:
    """Ask each of ``platforms`` its question; ``screen`` reads a reply and raises ReplyRejected for a bad one."""
    messages = {
        name: Message(questions[name], node, message_type, ttl=deadline_seconds, group_id=str(round_number))
        for name, node in platforms.items()
    }
    arrived = list(grid.send_and_receive(list(messages.values()), timeout=deadline_seconds))
    by_question: dict[str, Message] = {}
    for message in arrived:
        by_question.setdefault(message.metadata.reply_to_message_id, message)
    answers: Answers[ReplyType] = Answers(bytes_down=_total_bytes([questions[name] for name in messages]))
    for name, message in messages.items():
        _sort_in(answers, name, by_question.get(message.metadata.message_id), screen)
    return answers


def _total_bytes(contents: list[RecordDict]) -> int:
    """Of all of them, of which several may be one object."""
    sizes = {id(content): content_bytes(content) for content in {id(one): one for one in contents}.values()}
    return sum(sizes[id(content)] for content in contents)


def _sort_in(
    answers: Answers[ReplyType],
    name: str,
    message: Message | None,
    screen: Callable[[RecordDict], ReplyType | Declined | Failed],
) -> None:
    if message is None or (message.has_error() and message.error.code in _NOTHING_CAME):
        answers.missing.append(name)
        return
    if message.has_error():
        answers.failed[name] = f"{ENGINE}{message.error.code}"
        return
    answers.bytes_up += content_bytes(message.content)
    try:
        reply = screen(message.content)
    except ReplyRejected as error:
        answers.dropped[name] = str(error)
        return
    if isinstance(reply, Declined):
        answers.declined[name] = str(reply.reason)
    elif isinstance(reply, Failed):
        answers.failed[name] = str(reply.code)
    else:
        answers.replies[name] = reply
