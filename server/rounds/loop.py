"""The round loop: moments first, then training rounds, each followed by an evaluation."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from flwr.serverapp import Grid

from server.aggregation.server_optimiser import BuildAggregation, Resumable, ServerOptimiser, Update, cosines
from server.aggregation.weighting import Weighting
from server.rounds.exchange import Clock, Exchange, Question
from server.rounds.run_state import Kind, RoundRecord, RunState, may_be_kept
from server.rounds.screening import screen_evaluate, screen_moments, screen_train
from shared.encoder.encoder import Encoder
from shared.encoder.linear import solve_all
from shared.errors import ConfigError, InputError
from shared.federation.config import RoundsConfig
from shared.federation.messages import (
    EvaluateReply,
    EvaluateTask,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
    nonce_of,
)
from shared.federation.signatures import TaskSigner
from shared.federation.updates import update_form
from shared.federation.wire import EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task

_LOG = logging.getLogger("graft.server")


def run_rounds(
    grid: Grid,
    config: RoundsConfig,
    state: RunState,
    *,
    clock: Clock,
    on_round: Callable[[RunState], None] = lambda _state: None,
    aggregation: BuildAggregation = ServerOptimiser,
    signer: TaskSigner | None = None,
) -> RunState:
    """All rounds of a run that ``state`` does not hold yet; ``on_round`` gets the state at the start and after each.

    ``aggregation`` makes what takes the server's step; without a ``signer`` tasks are not signed. A run that is begun
    again from a state that ``on_round`` got ends with the same encoder.

    Raises FederationError where fewer than ``min_platforms`` are online for ``wait_seconds``, or where all are
    required and one stays away; ConfigError where the aggregation cannot go on from a state.
    """
    loop = RoundLoop(grid, config, clock, aggregation, state, signer)
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


class RoundLoop:
    """The three kinds of question, each from one state to the next."""

    def __init__(
        self,
        grid: Grid,
        config: RoundsConfig,
        clock: Clock,
        aggregation: BuildAggregation,
        state: RunState,
        signer: TaskSigner | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._aggregation = aggregation(config)
        self._weighting = Weighting(config)
        self._exchange = Exchange(grid, config, clock, state.cohort, signer)
        if isinstance(self._aggregation, Resumable):
            self._aggregation.restore(state.optimiser)
        elif state.round:
            raise ConfigError("a run cannot go on with an aggregation that has no state() and restore()")

    def with_cohort(self, state: RunState) -> RunState:
        """The platforms online now are those that every round must have."""
        self._exchange.cohort = tuple(self._exchange.wait_for_platforms())
        return replace(state, cohort=self._exchange.cohort)

    def moments_round(self, state: RunState) -> RunState:
        """Ask for moments, and solve the linear part from all that the server holds."""
        start, encoder = self._clock.now(), state.encoder
        nonce = nonce_of("moments", state.run, state.round)
        task = MomentsTask(run=state.run, round=state.round, nonce=nonce, feature_space=encoder.spec.feature_space)
        content = encode_task(task)
        question: Question[MomentsReply] = Question(
            message_type=MOMENTS_TYPE,
            round=state.round,
            write=lambda _encoder: content,
            screen=lambda reply: screen_moments(reply, encoder.spec, state.round),
        )
        answers = self._exchange.ask(question)
        note = self._too_few(len(answers.replies))
        moments = {**state.moments, **{name: reply.moments for name, reply in answers.replies.items()}}
        if not note:
            try:
                weights = self._weighting.of_moments(moments)
                encoder = encoder.with_linear(solve_all(moments, ridge=self._config.ridge, weights=weights))
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        record = self._record("moments", state.round, start, answers.told, note=note)
        return replace(state, encoder=encoder, moments=moments, history=(*state.history, record))

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it."""
        start, encoder, number = self._clock.now(), state.encoder, state.round + 1
        settings, seed, keep = self._config.local_in(number), self._config.seed, self._exchange.deliveries.keep
        form, nonce = update_form(settings), nonce_of("train", state.run, number)
        question: Question[TrainReply] = Question(
            message_type=TRAIN_TYPE,
            round=number,
            encoder=encoder,
            write=lambda sent: encode_task(
                TrainTask(
                    run=state.run,
                    round=number,
                    nonce=nonce,
                    seed=seed,
                    encoder=sent,
                    settings=settings,
                    keep=keep,
                )
            ),
            screen=lambda reply: screen_train(reply, encoder, number, form),
        )
        answers = self._exchange.ask(question)
        replies, own = answers.replies, encoder.flat.astype(np.float64)
        weights = self._weighting.of({name: reply.users for name, reply in replies.items()}, state.moments)
        updates = [
            Update(name=name, difference=reply.flat - own, weight=weights[name]) for name, reply in replies.items()
        ]
        note = self._too_few(len(replies))
        if not note and not any(update.weight > 0 for update in updates):
            note = "the encoder is unchanged: no platform whose update has a weight replied"
        if not note:
            flat = self._aggregation.step(encoder.flat, updates, round_number=number)
            if np.isfinite(flat).all():
                after = Encoder(spec=encoder.spec, flat=flat)
                encoder = self._exchange.deliveries.advanced(encoder, after) if keep else after
            else:
                note = "the encoder is unchanged: the aggregate is not finite"
        record = self._record(
            "train",
            number,
            start,
            answers.told,
            losses={name: reply.losses for name, reply in replies.items()},
            cosines=cosines(updates),
            weights={update.name: update.weight for update in updates},
            note=note,
        )
        optimiser = self._aggregation.state() if isinstance(self._aggregation, Resumable) else {}
        return replace(state, encoder=encoder, round=number, optimiser=optimiser, history=(*state.history, record))

    def evaluated(self, state: RunState) -> RunState:
        """Ask what the encoder is worth; changes nothing but the history, and what the run leaves."""
        if not self._config.evaluate_every:
            return state
        start, seed, keep = self._clock.now(), self._config.seed, self._exchange.deliveries.keep
        nonce = nonce_of("evaluate", state.run, state.round, state.encoder.digest)
        question: Question[EvaluateReply] = Question(
            message_type=EVALUATE_TYPE,
            round=state.round,
            encoder=state.encoder,
            write=lambda sent: encode_task(
                EvaluateTask(run=state.run, round=state.round, nonce=nonce, seed=seed, encoder=sent, keep=keep)
            ),
            screen=lambda reply: screen_evaluate(reply, state.round),
        )
        answers = self._exchange.ask(question)
        validation = {name: reply.validation for name, reply in answers.replies.items()}
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        kept = bool(validation) and may_be_kept(validation, state.history, weights)
        record = self._record("evaluate", state.round, start, answers.told, validation=validation, kept=kept)
        return replace(state, kept=state.encoder if kept else state.kept, history=(*state.history, record))

    def _too_few(self, usable: int) -> str:
        wanted = self._config.min_platforms
        return (
            "" if usable >= wanted else f"the encoder is unchanged: {usable} usable replies, at least {wanted} wanted"
        )

    def _record(self, kind: Kind, number: int, start: float, told: Mapping[str, Any], **further: Any) -> RoundRecord:
        for name, reason in told["dropped"].items():
            _LOG.warning("%s round %d: the reply of %s was dropped: %s", kind, number, name, reason)
        _LOG.info("%s round %d: %d replies used %s", kind, number, len(told["platforms"]), further.get("note", ""))
        return RoundRecord(kind=kind, round=number, seconds=self._clock.now() - start, **told, **further)
