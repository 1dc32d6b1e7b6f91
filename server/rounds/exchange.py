"""One question to every platform: sent once enough are online, waited for until the deadline, the answers sorted.

Who holds which of a run's encoders is remembered, and so what brings the newest to each in the fewest bytes.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from flwr.app import Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from server.rounds.told_stage import NOBODY_TOLD, StageTeller
from server.rounds.waiting import POLL_SECONDS, Addressee, Clock, Waiting, activations
from shared.encoder.changes import Int8Delta
from shared.encoder.encoder import Encoder
from shared.errors import FederationError, ReplyRejected, WireError
from shared.federation.config import Downlink, RoundsConfig
from shared.federation.messages import Declined, Failed, KnownEncoder
from shared.federation.signatures import TaskSigner, content_digest
from shared.federation.wire import content_bytes
from shared.federation.wire_records import SIGNATURE


class DownlinkCache:
    """Remembers who has answered to which encoder; with ``whole`` nobody holds any, so all get it as it is."""

    def __init__(self, mode: Downlink) -> None:
        self.keep = mode == "int8-delta"
        """whether platforms are to keep what they get"""
        self._held: dict[str, str] = {}
        self._delta: KnownEncoder | None = None

    def advanced(self, before: Encoder, after: Encoder) -> Encoder:
        """The next encoder, which is ``after`` as near as the delta sent to platforms leads to it.

        Args:
            before: the encoder that platforms were sent last.
            after: the encoder that the server's step gave.

        Returns:
            The encoder that the delta leads to from ``before``; the run goes on with it.
        """
        delta = Int8Delta.between(before, after)
        reached = delta.added_to(before)
        self._delta = KnownEncoder(spec=after.spec, base=before.digest, delta=delta, digest=reached.digest)
        return reached

    def held(self, platform: str) -> str:
        """Digest of the encoder that a platform is known to hold; empty where none is."""
        return self._held.get(platform, "")

    def way(self, held: str, encoder: Encoder) -> KnownEncoder | None:
        """What leads to the encoder from the one held.

        Args:
            held: digest of the encoder that a platform is known to hold.
            encoder: the one that it is to have.

        Returns:
            The delta; without one where the platform holds the encoder already; None where nothing shorter than the
            encoder itself leads to it.
        """
        if held == encoder.digest:
            return KnownEncoder(spec=encoder.spec, base=held, delta=None, digest=held)
        delta = self._delta
        return delta if delta is not None and (delta.base, delta.digest) == (held, encoder.digest) else None

    def answered(self, platforms: Iterable[str], usable: Iterable[str], digest: str) -> None:
        """Take note of who answered: those of ``usable`` hold the encoder.

        Args:
            platforms: names of all who were asked; what those hold who are not in ``usable`` is not certain.
            usable: names of those whose answer shows that they got the encoder.
            digest: of the encoder that was sent.
        """
        self.forget(platforms)
        self._held.update(dict.fromkeys(usable, digest))

    def forget(self, platforms: Iterable[str]) -> None:
        """What these hold is not certain: each gets a whole encoder next."""
        for name in platforms:
            self._held.pop(name, None)


ReplyType = TypeVar("ReplyType")
Chosen = TypeVar("Chosen")
ENGINE = "engine-"
"""begins the code of a failure that the engine, not the platform, reports"""
_NOTHING_CAME = (ErrorCode.MESSAGE_UNAVAILABLE, ErrorCode.REPLY_MESSAGE_UNAVAILABLE, ErrorCode.NODE_UNAVAILABLE)
"""the engine's own words for a question that nobody took before its deadline, or whose answer came after it"""
RESTARTED = f"{ENGINE}restarted"
"""of who became active anew after it was asked"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Question(Generic[ReplyType]):
    """What all platforms are asked."""

    message_type: str
    round: int
    stage: str
    """what those who watch are told of it (server/rounds/told_stage.py)"""
    write: Callable[[Any, Any], RecordDict]
    """the question in records, with the encoder, or with what leads to it from the one that a platform holds, and
    with what was ``seen`` of that one"""
    screen: Callable[[RecordDict], ReplyType | Declined | Failed]
    """reads a reply; raises ReplyRejected or WireError for a bad one"""
    encoder: Encoder | None = None
    """which it is about; None where it is about none"""
    seen: Callable[[str], Hashable] = lambda _platform: None
    """what is said to a platform of itself; those of whom it is the same get the same arrays"""
    platforms: frozenset[str] | None = None
    """who is asked, as far as online; None: all that are"""
    enough: int = 0
    """so many usable replies end the waiting; 0: all are waited for until the deadline"""
    is_short: bool = False
    """whether nobody trains for it, so that a shorter deadline counts where not all are required"""


Outcome = Literal["reply", "declined", "failed", "dropped", "missing"]


@dataclass(kw_only=True)
class Answers(Generic[ReplyType]):
    """Who answered what, by name in the order of names; who is asked again has the last outcome."""

    outcomes: dict[str, tuple[Outcome, Any]] = field(default_factory=dict)
    """a usable reply, or a reason, a code, why a reply was not used, or nothing that came before the deadline"""
    bytes_down: int = 0
    """server to platforms"""
    bytes_up: int = 0
    """platforms to server"""

    @property
    def replies(self) -> dict[str, ReplyType]:
        """Usable ones."""
        return {name: value for name, (kind, value) in sorted(self.outcomes.items()) if kind == "reply"}

    @property
    def others(self) -> dict[str, dict[str, str]]:
        """By outcome, who sent no usable reply, and why."""
        outcomes, kinds = sorted(self.outcomes.items()), ("declined", "failed", "dropped", "missing")
        return {kind: {name: value for name, (outcome, value) in outcomes if outcome == kind} for kind in kinds}

    @property
    def told(self) -> dict[str, Any]:
        """What a line of the history says of them (server/rounds/run_state.py)."""
        others = {**self.others, "missing": tuple(self.others["missing"])}
        return {"platforms": tuple(self.replies), **others, "bytes_down": self.bytes_down, "bytes_up": self.bytes_up}

    @property
    def counted(self) -> dict[str, Any]:
        """What a line of the history says of a cohort: how many, not who."""
        kinds = Counter(kind for kind, _ in self.outcomes.values())
        nobody = {kind: dict[str, str]() for kind in ("declined", "failed", "dropped")}
        counts: dict[str, int] = {"asked": len(self.outcomes), **dict(sorted(kinds.items()))}
        return {**self.told, **nobody, "platforms": (), "missing": (), "counts": counts}

    def add(self, other: "Answers[Any]") -> None:
        """Take in what a further question of the same exchange took, and who sent no usable reply to it."""
        self.bytes_down, self.bytes_up = self.bytes_down + other.bytes_down, self.bytes_up + other.bytes_up
        self.outcomes.update({name: outcome for name, outcome in other.outcomes.items() if outcome[0] != "reply"})

    @property
    def restarted(self) -> list[str]:
        """Who became active anew after it was asked, and has not answered since."""
        return [name for name, code in self.others["failed"].items() if code == RESTARTED]

    @property
    def unanswered(self) -> list[str]:
        """Who may answer if asked again: nothing came, or the engine's word that the platform's process ended."""
        lost = [name for name, code in self.others["failed"].items() if code.startswith(ENGINE)]
        return sorted([*lost, *self.others["missing"]])


def platforms_online(grid: Grid) -> dict[str, int]:
    """Registered name to node id, in the order of names; a node without a name goes by its id."""
    names: dict[str, int] = {}
    for node in sorted(grid.get_nodes(), key=lambda node: int(node.node_id)):
        name = node.name or f"node-{node.node_id}"
        names[name if name not in names else f"{name}-{node.node_id}"] = int(node.node_id)
    return dict(sorted(names.items()))


class Exchange:
    """Asks the platforms of one run."""

    def __init__(
        self,
        grid: Grid,
        config: RoundsConfig,
        clock: Clock,
        cohort: tuple[str, ...] = (),
        signer: TaskSigner | None = None,
        teller: StageTeller = NOBODY_TOLD,
    ) -> None:
        self._grid, self._config, self._clock, self._signer = grid, config, clock, signer
        self._teller = teller
        self.downlink_cache = DownlinkCache(config.downlink)
        self.cohort = cohort
        """names of the platforms that every question must reach; empty: whoever is online"""

    def ask(self, question: Question[ReplyType]) -> Answers[ReplyType]:
        """Ask all, those again who were started anew meanwhile, and where all are required those of whom nothing came.

        Args:
            question: what is asked, and who.

        Returns:
            Who answered what, and the bytes of it.

        Raises:
            FederationError: if too few are online for ``wait_seconds``, or one that is required stays away.
        """
        deadline = self._clock.now() + self._seconds(is_short=question.is_short)
        answers: Answers[ReplyType] = Answers()
        recipients, online = question.platforms, self.wait_for_platforms()
        platforms = {name: node for name, node in online.items() if recipients is None or name in recipients}
        while platforms:
            self.downlink_cache.forget(answers.unanswered)
            seconds = max(deadline - self._clock.now(), 1.0)
            self._send_and_wait(platforms, question, answers, seconds)
            platforms = self._back_again(answers.restarted, deadline)
            platforms = platforms or self._required_again(answers.unanswered, deadline)
        if question.encoder is not None and self.downlink_cache.keep:
            usable = [*answers.replies, *answers.others["declined"]]
            self.downlink_cache.answered(answers.outcomes, usable, question.encoder.digest)
        return answers

    def wait_for_platforms(self) -> dict[str, int]:
        """Name to node id of those that a question goes to; raises FederationError where too few come online."""
        deadline = self._clock.now() + self._config.wait_seconds
        while self._too_few_online(online := platforms_online(self._grid)):
            if self._clock.now() >= deadline:
                expected = ", ".join(self.cohort) or f"at least {self._config.min_platforms} platforms"
                raise FederationError(
                    f"expected {expected} online within {self._config.wait_seconds:g} seconds; "
                    f"found {', '.join(online) or 'none'}"
                )
            self._clock.sleep(POLL_SECONDS)
        return {name: online[name] for name in self.cohort} if self.cohort else online

    def _seconds(self, *, is_short: bool) -> float:
        """Until a question's deadline."""
        config = self._config
        ends_early = is_short and not config.require_all
        return min(config.stage_seconds, config.deadline_seconds) if ends_early else config.deadline_seconds

    def wait_for(self, choose: Callable[[dict[str, int]], Chosen | None]) -> Chosen | None:
        """What is chosen of those online, as soon as it is something.

        Args:
            choose: gets name to node id of those online; None where it chooses nothing yet.

        Returns:
            What was chosen; None after ``wait_seconds``.

        Raises:
            FederationError: as ``wait_for_platforms`` does.
        """
        deadline = self._clock.now() + self._config.wait_seconds
        while (chosen := choose(self.wait_for_platforms())) is None and self._clock.now() < deadline:
            self._clock.sleep(POLL_SECONDS)
        return chosen

    def online(self) -> tuple[str, ...]:
        """Names of all that are there now, asked or not."""
        return tuple(platforms_online(self._grid))

    def _messages(
        self, platforms: Mapping[str, int], question: Question[ReplyType], answers: Answers[ReplyType], seconds: float
    ) -> dict[str, Message]:
        """By platform what it is sent; those that hold the same get the same arrays."""
        written: dict[Hashable, tuple[RecordDict, int, bytes]] = {}
        messages = {}
        for name, node in platforms.items():
            about = question.encoder
            held = "" if about is None else self.downlink_cache.held(name)
            seen = question.seen(name)
            if (held, seen) not in written:
                way = self.downlink_cache.way(held, about) if about is not None and held else None
                content = question.write(way or about, seen)
                digest = b"" if self._signer is None else content_digest(content)
                written[held, seen] = content, content_bytes(content), digest
            content, size, digest = written[held, seen]
            if self._signer is not None:
                signature = RecordDict({SIGNATURE: self._signer.signature(digest, name)})
                content, size = RecordDict({**content, **signature}), size + content_bytes(signature)
            messages[name] = Message(content, node, question.message_type, ttl=seconds, group_id=str(question.round))
            answers.bytes_down += size
        return messages

    def sent(
        self, platforms: Mapping[str, int], question: Question[ReplyType], answers: Answers[ReplyType], seconds: float
    ) -> dict[str, Addressee]:
        """Send a question.

        Args:
            platforms: whom it goes to, by name.
            question: what is asked.
            answers: get the bytes of it, and that nothing came yet.
            seconds: after which nobody need answer.

        Returns:
            By message id who got it: those to whom the engine can bring it.
        """
        messages = self._messages(platforms, question, answers, seconds)
        self._teller.begins(question.round, question.stage, platforms)
        taken = set(self._grid.push_messages(list(messages.values())))
        answers.outcomes.update(dict.fromkeys(messages, ("missing", "")))
        return {
            message.metadata.message_id: Addressee(platform=name, node=message.metadata.dst_node_id)
            for name, message in messages.items()
            if message.metadata.message_id in taken
        }

    def came(self, awaited: Iterable[str]) -> list[Message]:
        """Replies that have come.

        Args:
            awaited: ids of the messages that are to be answered.

        Returns:
            Each reply once.
        """
        return list(self._grid.pull_messages(list(awaited)))

    def _send_and_wait(
        self, platforms: Mapping[str, int], question: Question[ReplyType], answers: Answers[ReplyType], seconds: float
    ) -> None:
        """Send it, and sort in what comes until the deadline, or until enough has come."""
        deadline = self._clock.now() + seconds
        active = {} if question.enough else activations(self._grid.get_nodes())
        awaited = self.sent(platforms, question, answers, seconds)
        waiting = Waiting(grid=self._grid, clock=self._clock, until=deadline, awaited=awaited, active=active)
        usable, enough = 0, question.enough or len(platforms) + 1
        while usable < enough and waiting.goes_on():
            came = []
            for reply in self.came(waiting.awaited):
                if usable < enough and (name := waiting.answered(reply.metadata.reply_to_message_id)):
                    usable += sorted_in(answers, name, reply, question.screen)
                    came.append(name)
            if came:
                self._teller.hears(came)
        answers.outcomes.update(dict.fromkeys(waiting.restarted, ("failed", RESTARTED)))

    def _back_again(self, lost: list[str], deadline: float) -> dict[str, int]:
        """Those who lost the question with a process that ended, where they are online; nobody after the deadline."""
        if not lost or self._clock.now() >= deadline:
            return {}
        online = platforms_online(self._grid)
        return {name: online[name] for name in lost if name in online}

    def _required_again(self, unanswered: list[str], deadline: float) -> dict[str, int]:
        """Where all are required, those without an answer, once they are online again; else none."""
        while unanswered and self._config.require_all:
            if self._clock.now() >= deadline:
                raise FederationError(
                    f"expected an answer of every platform within {self._config.deadline_seconds:g} seconds; "
                    f"found none of {', '.join(unanswered)}"
                )
            self._clock.sleep(POLL_SECONDS)
            online = platforms_online(self._grid)
            if all(name in online for name in unanswered):
                return {name: online[name] for name in unanswered}
        return {}

    def _too_few_online(self, online: Mapping[str, int]) -> bool:
        return len(online) < self._config.min_platforms or any(name not in online for name in self.cohort)


def sorted_in(
    answers: Answers[ReplyType],
    name: str,
    message: Message,
    screen: Callable[[RecordDict], ReplyType | Declined | Failed],
) -> bool:
    """Take note of a reply.

    Args:
        answers: get its bytes and its outcome.
        name: whose it is.
        message: the reply as it came.
        screen: as of ``Question``.

    Returns:
        Whether it is usable.
    """
    if message.has_error() and message.error.code in _NOTHING_CAME:
        return False
    if message.has_error():
        answers.outcomes[name] = "failed", f"{ENGINE}{message.error.code}"
        return False
    answers.bytes_up += content_bytes(message.content)
    try:
        reply = screen(message.content)
    except (ReplyRejected, WireError) as error:
        answers.outcomes[name] = "dropped", str(error)
        return False
    if isinstance(reply, Declined):
        answers.outcomes[name] = "declined", str(reply.reason)
    elif isinstance(reply, Failed):
        answers.outcomes[name] = "failed", f"{reply.code}:{reply.least}" if reply.least else str(reply.code)
    else:
        answers.outcomes[name] = "reply", reply
        return True
    return False
