"""The training rounds of a run over many: each asks a cohort drawn from those online, and steps along the mean answer.

Nobody's answer is kept: it is added to the round's sum as soon as it is read, so that a round takes the memory of one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from server.rounds.drawn_cohorts import DrawnCohorts
from server.rounds.exchange import Question
from server.rounds.loop import RoundLoop
from server.rounds.run_state import RunState
from server.rounds.screening import screen_update
from shared.encoder.encoder import Encoder
from shared.federation.config import RoundsConfig
from shared.federation.messages import Declined, Failed, TrainReply, TrainTask, nonce_of
from shared.federation.updates import SummedForm, round_seed, summed_form
from shared.federation.wire import TRAIN_TYPE, encode_task

Float64 = NDArray[np.float64]
COHORT = "cohort"
"""under which a round's mean stands where platforms stand in other runs"""


@dataclass(eq=False, kw_only=True)
class UpdateSum:
    """The sum of a round's updates, in the numbers of their form."""

    encoder: Encoder
    """that was sent"""
    form: SummedForm
    number: int
    """of the round"""
    total: Float64 = field(default_factory=lambda: np.zeros(0))
    count: int = 0

    def screened(self, content: RecordDict) -> TrainReply | Declined | Failed:
        """Read a reply, and add its update.

        Args:
            content: the reply in records.

        Returns:
            What came; of an update that it was added, without its numbers.

        Raises:
            ReplyRejected: if it breaks a rule of screening, with the reason.
            WireError: if it does not read as such a reply, with the reason.
        """
        reply = screen_update(content, self.encoder.spec, self.number, self.form)
        if not isinstance(reply, TrainReply):
            return reply
        numbers = self.form.grid(self.encoder.spec).values(reply.flat)
        self.total = numbers.astype(np.float64) if self.count == 0 else self.total + numbers
        self.count += 1
        return replace(reply, flat=reply.flat[:0])

    def clear(self) -> None:
        """Begin anew."""
        self.total, self.count = np.zeros(0), 0

    @property
    def difference(self) -> Float64:
        """[P] what the mean update changes in the encoder; 0 where there is none."""
        if self.count == 0:
            return np.zeros(len(self.encoder.flat))
        return self.form.difference(self.encoder.spec, (self.total / self.count).astype(np.float32))


def training_question(state: RunState, config: RoundsConfig) -> tuple[Question[TrainReply], UpdateSum]:
    """What the next training round asks, of whomever.

    Args:
        state: what the run has reached.
        config: of the run.

    Returns:
        The question, and the sum to which its answers are added as they are read.
    """
    number, encoder = state.round + 1, state.encoder
    settings = config.local_in(number)
    task = TrainTask(
        run=state.run,
        round=number,
        nonce=nonce_of("train", state.run, number),
        seed=config.seed,
        encoder=encoder,
        settings=settings,
    )
    content = encode_task(task)
    form = summed_form(settings, round_seed(config.seed, number))
    update_sum = UpdateSum(encoder=encoder, form=form, number=number)
    question: Question[TrainReply] = Question(
        message_type=TRAIN_TYPE,
        round=number,
        stage="train",
        write=lambda _encoder, _seen: content,
        screen=update_sum.screened,
    )
    return question, update_sum


def after_mean(
    loop: RoundLoop, state: RunState, mean: Float64, count: int, told: Mapping[str, Any], start: float
) -> RunState:
    """A step along the mean of updates, and its line of history.

    Args:
        loop: takes the step, and writes the line.
        state: what the run has reached.
        mean: [P] what the mean update changes in the encoder.
        count: updates behind it.
        told: what the line says of who was asked.
        start: when the round began, in seconds of the clock.

    Returns:
        The state one round further; its line's note says why, where the encoder is as it was.
    """
    number = state.round + 1
    step = loop.stepped(state.encoder, number, {COHORT: mean}, {COHORT: 1.0}, loop.too_few(count))
    record = loop.record("train", number, start, {**told, "weights": step.weights, "note": step.note})
    history = (*state.history, record)
    return replace(state, encoder=step.encoder, round=number, optimiser=step.optimiser, history=history)


class CohortLoop:
    """From one state to the next."""

    def __init__(self, loop: RoundLoop, config: RoundsConfig) -> None:
        """``loop`` takes the server's steps, and writes the lines of the history."""
        self._loop, self._config, self._cohorts = loop, config, DrawnCohorts(config=config)

    def run(self, state: RunState, on_round: Callable[[RunState], None]) -> RunState:
        """Make all training rounds that the state does not hold yet.

        Args:
            state: what the run has reached.
            on_round: gets the state after each round.

        Returns:
            The state after the last round.

        Raises:
            FederationError: if too few are online for ``wait_seconds``.
        """
        while state.round < self._config.training_rounds:
            state = self.round(state)
            on_round(state)
        return state

    def round(self, state: RunState) -> RunState:
        """Draw a cohort, send it the encoder, and step along the mean of what comes back.

        Args:
            state: what the run has reached.

        Returns:
            The state one round further, with a line of history; its note says why, where the encoder is as it was.

        Raises:
            FederationError: if too few are online for ``wait_seconds``.
        """
        start, number = self._loop.clock.now(), state.round + 1
        question, update_sum = training_question(state, self._config)
        question = replace(
            question,
            platforms=self._cohorts.names(number, self._loop.exchange.wait_for_platforms()),
            enough=self._config.cohort,
        )
        answers = self._loop.exchange.ask(question)
        return after_mean(self._loop, state, update_sum.difference, update_sum.count, answers.counted, start)
