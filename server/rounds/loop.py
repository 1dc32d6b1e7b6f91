"""The round loop: moments first, then training rounds, each followed by an evaluation."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from flwr.serverapp import Grid

from server.aggregation.cross_sum import summed_cross
from server.aggregation.inner_products import InnerProducts
from server.aggregation.linear_part import linear_part
from server.aggregation.robust_sum import RULES, UPDATES
from server.aggregation.server_optimiser import BuildAggregation, Resumable, ServerOptimiser, Update
from server.aggregation.size_classes import NO_CLASSES, SizeClasses
from server.aggregation.weighting import Weighting
from server.rounds.exchange import Answers, Clock, Exchange, Question
from server.rounds.kept_sums import NOT_KEPT, KeptSums
from server.rounds.known_ledgers import KnownLedgers
from server.rounds.masked_training import MaskedTraining
from server.rounds.private_sums import PrivateSums
from server.rounds.run_state import Kind, RoundRecord, RunState, may_be_kept, passed_over_words
from server.rounds.screening import screen_cross, screen_evaluate, screen_moments, screen_train
from server.rounds.sum_roster import SumRoster
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, InputError
from shared.federation.config import RoundsConfig
from shared.federation.messages import (
    CrossReply,
    CrossTask,
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
from shared.federation.wire import CROSS_TYPE, EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task

_LOG = logging.getLogger("graft.server")
NO_LEDGERS = KnownLedgers(None)
Solved = tuple[Encoder, dict[str, float], dict[str, str]]
"""an encoder with a new linear part, what each platform's answer weighed, and who was held back and why"""


def run_rounds(
    grid: Grid,
    config: RoundsConfig,
    state: RunState,
    *,
    clock: Clock,
    on_round: Callable[[RunState], None] = lambda _state: None,
    aggregation: BuildAggregation = ServerOptimiser,
    signer: TaskSigner | None = None,
    classes: SizeClasses = NO_CLASSES,
    public: CatalogueMoments | None = None,
    ledgers: KnownLedgers = NO_LEDGERS,
    roster: SumRoster | None = None,
    sums: KeptSums = NOT_KEPT,
) -> RunState:
    """All rounds of a run that ``state`` does not hold yet; ``on_round`` gets the state at the start and after each.

    ``aggregation`` makes what takes the server's step; without a ``signer`` tasks are not signed; ``classes`` says what
    each platform may weigh; ``public`` whitens what leaves under noise, which ``ledgers`` write down; a masked run sums
    over platforms of the ``roster``, and ``sums`` keeps where that stands. A run that is begun again from a state that
    ``on_round`` got ends with the same encoder.

    Raises FederationError where fewer than ``min_platforms`` are online for ``wait_seconds``, or where all are
    required and one stays away; ConfigError where the aggregation cannot go on from a state.
    """
    loop = RoundLoop(grid, config, clock, aggregation, state, signer, classes, ledgers, roster, sums)
    on_round(state)
    if config.require_all and not state.cohort:
        state = loop.with_cohort(state)
        on_round(state)
    if config.is_masked and config.is_private:
        return loop.private_sums(state, public, on_round)
    if config.evaluate_every and not state.history:
        state = loop.evaluated(state)
        on_round(state)
    if config.moments and not any(record.kind == "moments" for record in state.history):
        state = loop.judged_moments(state, public)
        on_round(state)
    while state.round < config.training_rounds:
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
        classes: SizeClasses = NO_CLASSES,
        ledgers: KnownLedgers = NO_LEDGERS,
        roster: SumRoster | None = None,
        sums: KeptSums = NOT_KEPT,
    ) -> None:
        self._config = config
        self._clock = clock
        self._aggregation = aggregation(config)
        self._classes, self._ledgers = classes, ledgers
        self._weighting = Weighting(config, classes)
        self._exchange = Exchange(grid, config, clock, state.cohort, signer)
        trains_masked = config.is_masked and not config.is_private
        self._masked = MaskedTraining.of(self._exchange, config, state, roster, sums) if trains_masked else None
        self._roster, self._sums = roster, sums
        if isinstance(self._aggregation, Resumable):
            self._aggregation.restore(state.optimiser)
        elif state.round:
            raise ConfigError("a run cannot go on with an aggregation that has no state() and restore()")

    def with_cohort(self, state: RunState) -> RunState:
        """The platforms online now, of a masked run those that it sums over, are those that every round must have."""
        online = self._exchange.wait_for_platforms
        self._exchange.cohort = tuple(online()) if self._masked is None else self._masked.cohort()
        return replace(state, cohort=self._exchange.cohort)

    def private_sums(
        self, state: RunState, public: CatalogueMoments | None, on_round: Callable[[RunState], None]
    ) -> RunState:
        """All of a run whose sums bear the promise's noise once; raises ConfigError where platforms lack keys."""
        sums = PrivateSums.of(
            self._exchange, self._config, self._clock, state, self._roster, self._sums, self._classes, public
        )
        return sums.run(state, on_round)

    def moments_round(self, state: RunState) -> RunState:
        """Ask for moments, and solve the linear part from all that the server holds."""
        start, encoder = self._clock.now(), state.encoder
        nonce = nonce_of("moments", state.run, state.round)
        task = MomentsTask(run=state.run, round=state.round, nonce=nonce, feature_space=encoder.spec.feature_space)
        content = encode_task(task)
        question: Question[MomentsReply] = Question(
            message_type=MOMENTS_TYPE,
            round=state.round,
            write=lambda _encoder, _seen: content,
            screen=lambda reply: screen_moments(reply, encoder.spec, state.round),
        )
        answers = self._exchange.ask(question)
        moments = {**state.moments, **{name: reply.moments for name, reply in answers.replies.items()}}

        def solved() -> Solved:
            helpful = self._weighting.of_moments(moments)
            linear, shares = linear_part(moments, helpful, self._classes, self._config)
            weights = {name: weight * shares.of.get(name, 0.0) for name, weight in helpful.items()}
            return encoder.with_linear(linear), weights, dict(shares.reasons)

        return replace(self._after(answers, solved, state, start), moments=moments)

    def cross_round(self, state: RunState, public: CatalogueMoments | None) -> RunState:
        """Ask for cross moments under noise, and carry their sum in the encoder; no platform's own is kept.

        A sequence part that it started with is left out: what makes it tells of users without noise.
        """
        start, encoder, noise = self._clock.now(), state.encoder, self._config.noise
        known = public or CatalogueMoments.none(encoder.spec.input_dim)
        nonce = nonce_of("cross", state.run, state.round)
        question: Question[CrossReply] = Question(
            message_type=CROSS_TYPE,
            round=state.round,
            seen=self._ledgers.seen,
            write=lambda _encoder, seen: encode_task(
                CrossTask(
                    run=state.run,
                    round=state.round,
                    nonce=nonce,
                    feature_space=encoder.spec.feature_space,
                    public=known,
                    noise=noise,
                    seen=seen,
                )
            ),
            screen=lambda reply: screen_cross(reply, encoder.spec, state.round, noise),
        )
        answers = self._exchange.ask(question)
        for name, reply in answers.replies.items():
            if objection := self._ledgers.objection(name, reply):
                answers.outcomes[name] = "dropped", objection
            else:
                self._ledgers.add(name, reply, run=state.run, noise=noise, delta=self._config.delta)

        def solved() -> Solved:
            cross, shares = summed_cross(answers.replies, known, self._classes, self._config.robust)
            return encoder.with_cross(cross).without_sequence(), dict(shares.of), dict(shares.reasons)

        return self._after(answers, solved, state, start)

    def _after(self, answers: Answers[Any], solved: Callable[[], Solved], state: RunState, start: float) -> RunState:
        """The state with the linear part that is ``solved``, or as it was where too few answered or nothing can be."""
        encoder, weights, reasons = state.encoder, dict[str, float](), dict[str, str]()
        note = self._too_few(len(answers.replies))
        if not note:
            try:
                encoder, weights, reasons = solved()
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        told = {**answers.told, "weights": weights, "held_back": reasons, "note": note}
        record = self._record("moments", state.round, start, told)
        return replace(state, encoder=encoder, history=(*state.history, record))

    def judged_moments(self, state: RunState, public: CatalogueMoments | None) -> RunState:
        """A moments round and its evaluation; where it made the encoder clearly worse, training starts from before."""
        solved = self.cross_round(state, public) if self._config.is_private else self.moments_round(state)
        after = self.evaluated(solved)
        return replace(after, encoder=state.encoder) if after.history[-1].passed_over else after

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it."""
        if self._masked is not None:
            return self._masked_round(state, self._masked)
        start, encoder, number = self._clock.now(), state.encoder, state.round + 1
        settings, seed, keep = self._config.local_in(number), self._config.seed, self._exchange.deliveries.keep
        form, nonce = update_form(settings), nonce_of("train", state.run, number)
        question: Question[TrainReply] = Question(
            message_type=TRAIN_TYPE,
            round=number,
            encoder=encoder,
            write=lambda sent, _seen: encode_task(
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
        weights = self._weighting.of(list(replies), state.moments)
        differences = {name: reply.flat - own for name, reply in replies.items()}
        products = InnerProducts.between(
            list(differences), lambda one, other: float(np.vdot(differences[one], differences[other]))
        )
        counting = products.only(name for name in weights if weights[name] > 0)
        shares = RULES[self._config.robust](counting, weights, UPDATES)
        left_out = {name for name, share in shares.of.items() if share == 0}
        weights = {name: 0.0 if name in left_out else weight for name, weight in weights.items()}
        updates = [
            Update(name=name, difference=shares.of.get(name, 1.0) * difference, weight=weights[name])
            for name, difference in differences.items()
            if name not in left_out
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
            cosines=products.cosines(),
            weights=weights,
            held_back=dict(shares.reasons),
            note=note,
        )
        optimiser = self._aggregation.state() if isinstance(self._aggregation, Resumable) else {}
        return replace(state, encoder=encoder, round=number, optimiser=optimiser, history=(*state.history, record))

    def _masked_round(self, state: RunState, masked: MaskedTraining) -> RunState:
        """The same along their sum, which is all that comes of them."""
        start, encoder, number = self._clock.now(), state.encoder, state.round + 1
        found = masked.mean_update(encoder, number)
        note = found.note or self._too_few(len(found.answers.replies))
        if found.update is not None and not note:
            flat = self._aggregation.step(encoder.flat, [found.update], round_number=number)
            after = Encoder(spec=encoder.spec, flat=flat)
            deliveries = self._exchange.deliveries
            encoder = deliveries.advanced(encoder, after) if deliveries.keep else after
        weights = dict.fromkeys(found.answers.replies, 1.0)
        record = self._record("train", number, start, found.answers.told, weights=weights, note=note)
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
            write=lambda sent, _seen: encode_task(
                EvaluateTask(
                    run=state.run,
                    round=state.round,
                    nonce=nonce,
                    seed=seed,
                    encoder=sent,
                    keep=keep,
                    noise=self._config.evaluation_noise,
                )
            ),
            screen=lambda reply: screen_evaluate(reply, state.round),
        )
        answers = self._exchange.ask(question)
        validation = {name: reply.validation for name, reply in answers.replies.items()}
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        noise = self._config.evaluation_noise
        spread = {name: noise / max(reply.users, 1) for name, reply in answers.replies.items() if noise}
        kept = bool(validation) and may_be_kept(validation, state.history, weights, spread)
        note = passed_over_words(state.history) if validation and not kept else ""
        told = {**answers.told, "validation": validation, "spread": spread, "kept": kept, "note": note}
        record = self._record("evaluate", state.round, start, told)
        return replace(state, kept=state.encoder if kept else state.kept, history=(*state.history, record))

    def _too_few(self, usable: int) -> str:
        wanted = self._config.min_platforms
        return (
            "" if usable >= wanted else f"the encoder is unchanged: {usable} usable replies, at least {wanted} wanted"
        )

    def _record(self, kind: Kind, number: int, start: float, told: Mapping[str, Any], **further: Any) -> RoundRecord:
        record = RoundRecord(kind=kind, round=number, seconds=self._clock.now() - start, **told, **further)
        for name, reason in record.dropped.items():
            _LOG.warning("%s round %d: the reply of %s was dropped: %s", kind, number, name, reason)
        for name, reason in record.held_back.items():
            _LOG.warning("%s round %d: the reply of %s was %s", kind, number, name, reason)
        if record.passed_over:
            _LOG.warning("%s round %d: %s", kind, number, record.note)
        _LOG.info("%s round %d: %d replies used %s", kind, number, len(record.platforms), record.note)
        return record
