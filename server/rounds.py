"""The round loop: moments first, then training rounds, each followed by an evaluation."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from flwr.app import RecordDict
from flwr.serverapp import Grid

from server.aggregation import agreement
from server.aggregation.aggregation import Aggregation, BuildAggregation
from server.aggregation.server_optimiser import ServerOptimiser, Update
from server.aggregation.weighting import WEIGHTINGS
from server.deliveries import Deliveries
from server.exchange import Answers, ask, platforms_online
from server.screening import screen_evaluate, screen_moments, screen_train
from shared.config import RoundsConfig
from shared.encoder.adapters import AdapterSpec
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments, solve
from shared.errors import FederationError, InputError
from shared.messages import (
    EvaluateReply,
    EvaluateTask,
    KnownEncoder,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.wire import EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task

Kind = Literal["moments", "train", "evaluate"]
_LOG = logging.getLogger("graft.server")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, passed in: seconds that only grow, and waiting."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class RoundRecord:
    """One line of a run's history: one question and what came of it."""

    kind: Kind
    round: int
    """0 for the moments round"""
    seconds: float
    bytes_down: int
    """server to platforms"""
    bytes_up: int
    """platforms to server"""
    platforms: tuple[str, ...]
    """whose replies were used"""
    losses: dict[str, dict[str, float]]
    """by platform and phase, in nats; training rounds only"""
    validation: dict[str, dict[str, float]]
    """by platform and part of the encoder, NDCG@10; evaluations only"""
    declined: dict[str, str]
    failed: dict[str, str]
    dropped: dict[str, str]
    missing: tuple[str, ...]
    cosines: dict[str, dict[str, float]]
    """between the platforms' updates; training rounds only"""
    note: str
    """in words, where the encoder stayed as it was; else empty"""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "platforms": list(self.platforms), "missing": list(self.missing)}


@dataclass(frozen=True, kw_only=True)
class RunState:
    """All that a run has reached between two rounds, but for the optimiser's own arrays."""

    encoder: Encoder
    round: int = 0
    """training rounds done"""
    moments: Mapping[str, Moments] = field(default_factory=dict)
    """by platform, kept apart: any subset can be summed, any one subtracted"""
    history: tuple[RoundRecord, ...] = ()


def run_rounds(
    grid: Grid,
    config: RoundsConfig,
    encoder: Encoder,
    *,
    clock: Clock,
    on_round: Callable[[RunState], None] = lambda _state: None,
    aggregation: BuildAggregation = ServerOptimiser,
) -> RunState:
    """All rounds of a run; ``on_round`` gets the state at the start and after each round.

    ``aggregation`` makes what takes the server's step.

    Raises FederationError where fewer than ``min_platforms`` are online for ``wait_seconds``.
    """
    loop = _Loop(grid, config, clock, aggregation(config))
    state = RunState(encoder=encoder)
    on_round(state)
    if config.moments:
        state = loop.evaluated(loop.moments_round(state))
        on_round(state)
    while state.round < config.rounds:
        state = loop.training_round(state)
        if config.evaluate_every and (state.round % config.evaluate_every == 0 or state.round == config.rounds):
            state = loop.evaluated(state)
        on_round(state)
    return state


def solved(encoder: Encoder, moments: Mapping[str, Moments], *, ridge: float) -> Encoder:
    """The encoder with the linear part of these platforms' summed moments, in the order of names.

    Raises InputError where there are none, or none that can be solved.
    """
    total = Moments.zero(encoder.spec.input_dim)
    for name in sorted(moments):
        total = total + moments[name]
    return encoder.with_linear(solve(total, ridge))


class _Loop:
    """The three kinds of question, each from one state to the next."""

    def __init__(self, grid: Grid, config: RoundsConfig, clock: Clock, aggregation: Aggregation) -> None:
        self._grid = grid
        self._config = config
        self._clock = clock
        self._aggregation = aggregation
        self._deliveries = Deliveries(config.downloads)

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
                encoder = solved(encoder, moments, ridge=self._config.ridge)
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        record = self._record("moments", state.round, start, answers, note=note)
        return replace(state, encoder=encoder, moments=moments, history=(*state.history, record))

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it."""
        start, encoder, number = self._clock.now(), state.encoder, state.round + 1
        settings, seed, keep = self._config.local, self._config.seed, self._deliveries.keep
        adapter = AdapterSpec(encoder=encoder.spec, rank=settings.rank) if settings.rank else None
        answers: Answers[TrainReply] = self._ask_about(
            encoder,
            lambda form: TrainTask(round=number, seed=seed, encoder=form, settings=settings, keep=keep),
            TRAIN_TYPE,
            number,
            lambda content: screen_train(content, encoder, number, adapter=adapter),
        )
        note = self._too_few(answers)
        updates = self._updates(encoder, answers)
        if not note:
            flat = self._aggregation.step(encoder.flat, updates, round_number=number)
            if np.isfinite(flat).all():
                encoder = self._deliveries.advanced(encoder, Encoder(spec=encoder.spec, flat=flat))
            else:
                note = "the encoder is unchanged: the aggregate is not finite"
        losses = {name: reply.losses for name, reply in answers.replies.items()}
        record = self._record(
            "train", number, start, answers, losses=losses, cosines=agreement.cosines(updates), note=note
        )
        return replace(state, encoder=encoder, round=number, history=(*state.history, record))

    def evaluated(self, state: RunState) -> RunState:
        """Ask what the encoder is worth; changes nothing but the history."""
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
        record = self._record("evaluate", state.round, start, answers, validation=validation)
        return replace(state, history=(*state.history, record))

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
        platforms = self._wait_for_platforms()
        return ask(
            self._grid,
            platforms,
            questions(platforms),
            message_type=message_type,
            round_number=number,
            deadline_seconds=self._config.deadline_seconds,
            screen=screen,
        )

    def _wait_for_platforms(self) -> dict[str, int]:
        deadline = self._clock.now() + self._config.wait_seconds
        while len(online := platforms_online(self._grid)) < self._config.min_platforms:
            if self._clock.now() >= deadline:
                raise FederationError(
                    f"expected at least {self._config.min_platforms} platforms online within "
                    f"{self._config.wait_seconds:g} seconds; found {len(online)}"
                )
            self._clock.sleep(1.0)
        return online

    def _updates(self, encoder: Encoder, answers: Answers[TrainReply]) -> list[Update]:
        weight = WEIGHTINGS[self._config.weighting]
        own = encoder.flat.astype(np.float64)
        return [
            Update(name=name, difference=reply.flat - own, weight=weight(reply.users))
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
        cosines: dict[str, dict[str, float]] | None = None,
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
            cosines=cosines or {},
            declined=answers.declined,
            failed=answers.failed,
            dropped=answers.dropped,
            missing=tuple(answers.missing),
            note=note,
        )
