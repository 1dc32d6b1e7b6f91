"""The round loop: moments first, then training rounds, each followed by an evaluation."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flwr.app import RecordDict
from flwr.serverapp import Grid

from server.aggregation import agreement
from server.aggregation.aggregation import BuildAggregation, Resumable
from server.aggregation.server_optimiser import ServerOptimiser, Update
from server.aggregation.weighting import Weighting
from server.rounds.deliveries import Deliveries
from server.rounds.exchange import Answers, ask, platforms_online
from server.rounds.kept_round import may_be_kept
from server.rounds.run_state import Kind, RoundRecord, RunState
from server.rounds.screening import screen_evaluate, screen_moments, screen_train
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments, solve
from shared.errors import ConfigError, FederationError, InputError
from shared.federation.config import RoundsConfig
from shared.federation.messages import (
    EvaluateReply,
    EvaluateTask,
    KnownEncoder,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.federation.wire import EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task

_LOG = logging.getLogger("graft.server")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, passed in: seconds that only grow, and waiting."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


def run_rounds(
    grid: Grid,
    config: RoundsConfig,
    state: RunState,
    *,
    clock: Clock,
    on_round: Callable[[RunState], None] = lambda _state: None,
    aggregation: BuildAggregation = ServerOptimiser,
) -> RunState:
    """All rounds of a run that ``state`` does not hold yet; ``on_round`` gets the state at the start and after each.

    ``aggregation`` makes what takes the server's step. A run that is begun again from a state that ``on_round`` got
    ends with the same encoder.

    Raises FederationError where fewer than ``min_platforms`` are online for ``wait_seconds``, or where all are
    required and one stays away; ConfigError where the aggregation cannot go on from a state.
    """
    loop = _Loop(grid, config, clock, aggregation, state)
    on_round(state)
    if config.require_all and not state.cohort:
        state = loop.with_cohort(state)
        on_round(state)
    if config.moments and not state.history:
        state = loop.evaluated(loop.moments_round(state))
        on_round(state)
    while state.round < config.rounds:
        state = loop.training_round(state)
        if config.evaluate_every and (state.round % config.evaluate_every == 0 or state.round == config.rounds):
            state = loop.evaluated(state)
        on_round(state)
    return state


def solved(
    encoder: Encoder, moments: Mapping[str, Moments], *, ridge: float, weights: Mapping[str, float] | None = None
) -> Encoder:
    """The encoder with the linear part of these platforms' summed moments, in the order of names.

    Each platform's count as often as its weight says, once where there are no weights.
    Raises InputError where there are none, or none that can be solved.
    """
    total = Moments.zero(encoder.spec.input_dim)
    for name in sorted(moments):
        total = total + (moments[name] if weights is None else moments[name].scaled(weights[name]))
    return encoder.with_linear(solve(total, ridge))


class _Loop:
    """The three kinds of question, each from one state to the next."""

    def __init__(
        self, grid: Grid, config: RoundsConfig, clock: Clock, aggregation: BuildAggregation, state: RunState
    ) -> None:
        self._grid = grid
        self._config = config
        self._clock = clock
        self._aggregation = aggregation(config)
        self._weighting = Weighting(config)
        self._deliveries = Deliveries(config.downloads)
        self._cohort = state.cohort
        if isinstance(self._aggregation, Resumable):
            self._aggregation.restore(state.optimiser)
        elif state.round:
            raise ConfigError("a run cannot go on with an aggregation that has no state() and restore()")

    def with_cohort(self, state: RunState) -> RunState:
        """The platforms online now are those that every round must have."""
        self._cohort = tuple(self._wait_for_platforms())
        return replace(state, cohort=self._cohort)

    def moments_round(self, state: RunState) -> RunState:
        """Ask for moments, and solve the linear part from all that the server holds."""
        start, encoder = self._clock.now(), state.encoder
        question = encode_task(MomentsTask(round=state.round, feature_space=encoder.spec.feature_space))
        answers: Answers[MomentsReply] = self._ask(
            lambda names: dict.fromkeys(names, question),
            MOMENTS_TYPE,
            state.round,
            lambda content: screen_moments(content, encoder, state.round),
        )
        note = self._too_few(answers)
        moments = {**state.moments, **{name: reply.moments for name, reply in answers.replies.items()}}
        if not note:
            try:
                weights = self._weighting.of_moments(moments)
                encoder = solved(encoder, moments, ridge=self._config.ridge, weights=weights)
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        record = self._record("moments", state.round, start, answers, note=note)
        return replace(state, encoder=encoder, moments=moments, history=(*state.history, record))

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it."""
        start, encoder, number = self._clock.now(), state.encoder, state.round + 1
        settings, seed, keep = self._config.local_in(number), self._config.seed, self._deliveries.keep
        answers: Answers[TrainReply] = self._ask_about(
            encoder,
            lambda form: TrainTask(run=state.run, round=number, seed=seed, encoder=form, settings=settings, keep=keep),
            TRAIN_TYPE,
            number,
            lambda content: screen_train(content, encoder, number, settings),
        )
        updates = self._updates(encoder, answers, state.moments)
        note = self._too_few(answers)
        if not note and not any(update.weight > 0 for update in updates):
            note = "the encoder is unchanged: no platform whose update has a weight replied"
        if not note:
            flat = self._aggregation.step(encoder.flat, updates, round_number=number)
            if np.isfinite(flat).all():
                encoder = self._deliveries.advanced(encoder, Encoder(spec=encoder.spec, flat=flat))
            else:
                note = "the encoder is unchanged: the aggregate is not finite"
        losses = {name: reply.losses for name, reply in answers.replies.items()}
        record = self._record("train", number, start, answers, losses=losses, updates=updates, note=note)
        optimiser = self._aggregation.state() if isinstance(self._aggregation, Resumable) else {}
        return replace(state, encoder=encoder, round=number, optimiser=optimiser, history=(*state.history, record))

    def evaluated(self, state: RunState) -> RunState:
        """Ask what the encoder is worth; changes nothing but the history, and what the run leaves."""
        if not self._config.evaluate_every:
            return state
        start, seed, keep = self._clock.now(), self._config.seed, self._deliveries.keep
        answers: Answers[EvaluateReply] = self._ask_about(
            state.encoder,
            lambda form: EvaluateTask(round=state.round, seed=seed, encoder=form, keep=keep),
            EVALUATE_TYPE,
            state.round,
            lambda content: screen_evaluate(content, state.round),
        )
        validation = {name: reply.validation for name, reply in answers.replies.items()}
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        kept = bool(validation) and may_be_kept(validation, state.history, weights)
        record = self._record("evaluate", state.round, start, answers, validation=validation, kept=kept)
        return replace(state, kept=state.encoder if kept else state.kept, history=(*state.history, record))

    def _ask_about(
        self,
        encoder: Encoder,
        task: Callable[[Encoder | KnownEncoder], TrainTask | EvaluateTask],
        message_type: str,
        number: int,
        screen: Callable[[RecordDict], Any],
    ) -> Answers[Any]:
        """Ask all about one encoder, each in the form that leads to it from what it holds."""
        answers = self._ask(
            lambda names: self._deliveries.questions(names, encoder, lambda form: encode_task(task(form))),
            message_type,
            number,
            screen,
        )
        self._deliveries.answered(answers.asked(), [*answers.replies, *answers.declined], encoder)
        return answers

    def _ask(
        self,
        questions: Callable[[Iterable[str]], Mapping[str, RecordDict]],
        message_type: str,
        number: int,
        screen: Callable[[RecordDict], Any],
    ) -> Answers[Any]:
        deadline = self._clock.now() + self._config.deadline_seconds
        answers: Answers[Any] = Answers()
        platforms = self._wait_for_platforms()
        while platforms:
            self._deliveries.forget(answers.unanswered())
            found = ask(
                self._grid,
                platforms,
                questions(platforms),
                message_type=message_type,
                round_number=number,
                deadline_seconds=max(deadline - self._clock.now(), 1.0),
                screen=screen,
            )
            answers = answers.completed(found)
            platforms = self._still_required(answers, deadline)
        return answers

    def _still_required(self, answers: Answers[Any], deadline: float) -> dict[str, int]:
        """Where all are required, those without an answer, once they are online again; else none."""
        wanted = answers.unanswered() if self._config.require_all else []
        while wanted:
            if self._clock.now() >= deadline:
                raise FederationError(
                    f"expected an answer of every platform within {self._config.deadline_seconds:g} seconds; "
                    f"found none of {', '.join(wanted)}"
                )
            self._clock.sleep(1.0)
            online = platforms_online(self._grid)
            if all(name in online for name in wanted):
                return {name: online[name] for name in wanted}
        return {}

    def _wait_for_platforms(self) -> dict[str, int]:
        deadline = self._clock.now() + self._config.wait_seconds
        while self._too_few_online(online := platforms_online(self._grid)):
            if self._clock.now() >= deadline:
                wanted = ", ".join(self._cohort) or f"at least {self._config.min_platforms} platforms"
                raise FederationError(
                    f"expected {wanted} online within {self._config.wait_seconds:g} seconds; "
                    f"found {', '.join(online) if self._cohort else len(online)}"
                )
            self._clock.sleep(1.0)
        return {name: online[name] for name in self._cohort} if self._cohort else online

    def _too_few_online(self, online: Mapping[str, int]) -> bool:
        return len(online) < self._config.min_platforms or any(name not in online for name in self._cohort)

    def _updates(self, encoder: Encoder, answers: Answers[TrainReply], moments: Mapping[str, Moments]) -> list[Update]:
        weights = self._weighting.of({name: reply.users for name, reply in answers.replies.items()}, moments)
        own = encoder.flat.astype(np.float64)
        return [
            Update(name=name, difference=reply.flat - own, weight=weights[name])
            for name, reply in answers.replies.items()
        ]

    def _too_few(self, answers: Answers[Any]) -> str:
        usable, wanted = len(answers.replies), self._config.min_platforms
        if usable >= wanted:
            return ""
        return f"the encoder is unchanged: {usable} usable replies, at least {wanted} wanted"

    def _record(
        self,
        kind: Kind,
        number: int,
        start: float,
        answers: Answers[Any],
        *,
        losses: dict[str, dict[str, float]] | None = None,
        validation: dict[str, dict[str, float]] | None = None,
        updates: Sequence[Update] = (),
        kept: bool = False,
        note: str = "",
    ) -> RoundRecord:
        for name, reason in answers.dropped.items():
            _LOG.warning("%s round %d: the reply of %s was dropped: %s", kind, number, name, reason)
        _LOG.info("%s round %d: %d replies used %s", kind, number, len(answers.replies), note)
        return RoundRecord(
            kind=kind,
            round=number,
            seconds=self._clock.now() - start,
            bytes_down=answers.bytes_down,
            bytes_up=answers.bytes_up,
            platforms=tuple(answers.replies),
            losses=losses or {},
            validation=validation or {},
            cosines=agreement.cosines(updates),
            weights={update.name: update.weight for update in updates},
            kept=kept,
            declined=answers.declined,
            failed=answers.failed,
            dropped=answers.dropped,
            missing=tuple(answers.missing),
            note=note,
        )
