"""The training steps of a run over many that waits for nobody: a cohort is at work all the time.

As soon as ``buffer`` updates have come, the server steps along their mean; who has answered makes way for another, who
gets the newest encoder. An update leads on from the encoder that its sender got: one of s steps ago counts 1/√(1 + s)
(FedBuff; Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation").
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from server.rounds.cohort_loop import UpdateSum, after_mean, training_question
from server.rounds.exchange import Answers, Question, sorted_in
from server.rounds.loop import RoundLoop
from server.rounds.run_state import RunState
from server.rounds.waiting import POLL_SECONDS
from shared.errors import ReplyRejected
from shared.federation.config import RoundsConfig
from shared.federation.messages import TrainReply
from shared.seeding import rng_for

LOTS = 5
"""in how many lots a cohort is replaced: so many at a time are looked for among those online"""


@dataclass(eq=False, kw_only=True)
class Sent:
    """An encoder that went out, and the sum of the updates that lead on from it."""

    question: Question[TrainReply]
    update_sum: UpdateSum
    asked: set[str] = field(default_factory=set)
    """names of all whom it went to: each trains it once"""
    lots: int = 0


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """One who was sent an encoder and has not answered."""

    name: str
    number: int
    """of the encoder, as that of the step for which it was new"""
    until: float
    """by the clock, after which nobody waits"""


def mean_by_age(sums: Mapping[int, UpdateSum]) -> NDArray[np.float64]:
    """[P] the mean of as many updates, of which one of an encoder of s steps ago is 1/√(1 + s) as long.

    Args:
        sums: of the updates, by how many steps ago their encoder was sent.
    """
    total, count = np.zeros(1), 0
    for age, each in sums.items():
        if each.count:
            total = total + each.count / math.sqrt(1 + age) * each.difference
            count += each.count
    return total / max(count, 1)


class AsyncLoop:
    """From one state to the next; what is under way when a run is stopped is asked again."""

    def __init__(self, loop: RoundLoop, config: RoundsConfig) -> None:
        """``loop`` takes the server's steps, and writes the lines of the history."""
        self._loop, self._config = loop, config
        self._at_work: dict[str, AtWork] = {}
        self._sent: dict[int, Sent] = {}

    def run(self, state: RunState, on_round: Callable[[RunState], None]) -> RunState:
        """Make all training steps that the state does not hold yet.

        Args:
            state: what the run has reached.
            on_round: gets the state after each step.

        Returns:
            The state after the last step.

        Raises:
            FederationError: if too few are online for ``wait_seconds``.
        """
        while state.round < self._config.training_rounds:
            state = self.step(state)
            on_round(state)
        return state

    def step(self, state: RunState) -> RunState:
        """Have a cohort at work until a buffer of updates has come, or a deadline has passed; step along their mean.

        Args:
            state: what the run has reached.

        Returns:
            The state one step further, with a line of history; its note says why, where the encoder is as it was.

        Raises:
            FederationError: if too few are online for ``wait_seconds``.
        """
        clock, config = self._loop.clock, self._config
        start, number = clock.now(), state.round + 1
        question, update_sum = training_question(state, config)
        self._sent[number] = Sent(question=question, update_sum=update_sum)
        answers, counts = Answers[TrainReply](), Counter[str]()
        while self._buffered < config.buffer and clock.now() < start + config.deadline_seconds:
            counts["asked"] += self._fill(number, answers)
            came = self._take_in(number, answers)
            counts.update(came)
            if not came:
                clock.sleep(POLL_SECONDS)
        mean = mean_by_age({number - sent_for: sent.update_sum for sent_for, sent in self._sent.items()})
        count = self._buffered
        self._clear()
        return after_mean(self._loop, state, mean, count, {**answers.counted, "counts": dict(counts)}, start)

    @property
    def _buffered(self) -> int:
        """Updates that no step has taken in."""
        return sum(sent.update_sum.count for sent in self._sent.values())

    def _clear(self) -> None:
        """Begin sums anew, and forget encoders on which nobody is at work."""
        used = {work.number for work in self._at_work.values()}
        self._sent = {number: sent for number, sent in self._sent.items() if number in used}
        for sent in self._sent.values():
            sent.update_sum.clear()

    def _fill(self, number: int, answers: Answers[TrainReply]) -> int:
        """Send the newest encoder to as many as are lacking, once a lot is; says to how many."""
        lacking, newest = self._config.cohort - len(self._at_work), self._sent[number]
        if self._at_work and lacking * LOTS < self._config.cohort:
            return 0
        online = self._loop.exchange.wait_for_platforms()
        free = sorted(set(online) - newest.asked - {work.name for work in self._at_work.values()})
        rng = rng_for(self._config.seed, "cohort", number, newest.lots)
        drawn = [free[place] for place in rng.choice(len(free), min(lacking, len(free)), replace=False)] if free else []
        if not drawn:
            return 0
        seconds = self._config.deadline_seconds
        until = self._loop.clock.now() + seconds
        awaited = self._loop.exchange.sent({name: online[name] for name in drawn}, newest.question, answers, seconds)
        works = {each: AtWork(name=to.platform, number=number, until=until) for each, to in awaited.items()}
        self._at_work.update(works)
        newest.asked.update(drawn)
        newest.lots += 1
        return len(drawn)

    def _take_in(self, number: int, answers: Answers[TrainReply]) -> Counter[str]:
        """Add what has come to the sums, and give up whom nobody waits for any more; by outcome, how many."""
        outcomes = Counter[str]()
        for reply in self._loop.exchange.came(self._at_work):
            work = self._at_work.pop(reply.metadata.reply_to_message_id, None)
            if work is not None:
                answers.outcomes[work.name] = "missing", ""
                is_stale = number - work.number > self._config.most_stale
                screen = _stale if is_stale else self._sent[work.number].update_sum.screened
                sorted_in(answers, work.name, reply, screen)
                outcomes[answers.outcomes[work.name][0]] += 1
        late = [each for each, work in self._at_work.items() if work.until <= self._loop.clock.now()]
        for each in late:
            del self._at_work[each]
        return outcomes + Counter(missing=len(late))


def _stale(_content: RecordDict) -> TrainReply:
    raise ReplyRejected("the update leads on from an encoder that is too old")
