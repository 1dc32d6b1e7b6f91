"""The round loop: moments first, then training rounds, each followed by an evaluation."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flwr.serverapp import Grid
from numpy.typing import NDArray

from server.aggregation.cross_sum import summed_cross
from server.aggregation.inner_products import InnerProducts
from server.aggregation.linear_part import linear_part
from server.aggregation.robust_sum import RULES, UPDATES
from server.aggregation.server_optimiser import BuildAggregation, Resumable, ServerOptimiser, Update
from server.aggregation.size_classes import NO_CLASSES, SizeClasses
from server.aggregation.weighting import Weighting
from server.rounds.exchange import Clock, Exchange, Question
from server.rounds.kept_sums import NOT_KEPT, KeptSums
from server.rounds.known_ledgers import KnownLedgers
from server.rounds.masked_rounds import GroupAnswers, MaskedRounds, NextSum, next_sum
from server.rounds.private_sums import PrivateSums
from server.rounds.run_state import Kind, RoundRecord, RunState, may_be_kept, passed_over_words
from server.rounds.screening import screen_cross, screen_evaluate, screen_moments, screen_train
from server.rounds.sum_parts import mean_update, moments_of, validation_of
from server.rounds.sum_roster import SumRoster
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, InputError, ReplyRejected
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

Float64 = NDArray[np.float64]
_LOG = logging.getLogger("graft.server")
NO_LEDGERS = KnownLedgers(None)
DROPPED_WITH_ITS_START = "what was trained from the encoder that is passed over is dropped; the kept one goes out next"
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
    if config.is_masked:
        return loop.private_sums(state, public, on_round) if config.is_private else loop.masked_sums(state, on_round)
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


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """What training came to."""

    encoder: Encoder
    weights: dict[str, float]
    cosines: dict[str, dict[str, float]]
    held_back: dict[str, str]
    note: str
    """why the encoder is as it was; else empty"""


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
        self._build, self._aggregation = aggregation, aggregation(config)
        self._classes, self._ledgers = classes, ledgers
        self._weighting = Weighting(config, classes)
        self._exchange = Exchange(grid, config, clock, state.cohort, signer)
        is_bare = config.privacy == "masked"
        self._masked = MaskedRounds(self._exchange, config, classes, state, roster, sums) if is_bare else None
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

    def masked_sums(self, state: RunState, on_round: Callable[[RunState], None]) -> RunState:
        """All sums of a masked run that the state does not hold yet."""
        while (wanted := next_sum(self._config, state)) is not None:
            state = self.masked_sum(state, wanted)
            on_round(state)
        return state

    def private_sums(
        self, state: RunState, public: CatalogueMoments | None, on_round: Callable[[RunState], None]
    ) -> RunState:
        """All of a run whose sums bear the promise's noise once; raises ConfigError where platforms lack keys."""
        sums = PrivateSums.of(
            self._exchange,
            self._config,
            self._clock,
            state,
            self._roster,
            self._sums,
            self._classes,
            public,
            self._ledgers.heads,
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

        return replace(self._after(answers.told, solved, state, start), moments=moments)

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

        return self._after(answers.told, solved, state, start)

    def _after(self, told: Mapping[str, Any], solved: Callable[[], Solved], state: RunState, start: float) -> RunState:
        """The state with the linear part that is ``solved``, or as it was where too few answered or nothing can be.

        ``told`` is what the record says of who answered.
        """
        encoder, weights, reasons = state.encoder, dict[str, float](), dict[str, str]()
        note = self._too_few(len(told["platforms"]))
        if not note:
            try:
                encoder, weights, reasons = solved()
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        note = "; ".join(filter(None, [note, told.get("note", "")]))
        told = {**told, "weights": weights, "held_back": reasons, "note": note}
        record = self._record("moments", state.round, start, told)
        return replace(state, encoder=encoder, history=(*state.history, record))

    def judged_moments(self, state: RunState, public: CatalogueMoments | None) -> RunState:
        """A moments round and its evaluation; where it made the encoder clearly worse, training starts from before."""
        solved = self.cross_round(state, public) if self._config.is_private else self.moments_round(state)
        after = self.evaluated(solved)
        return replace(after, encoder=state.encoder) if after.history[-1].passed_over else after

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it."""
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
        step = self._stepped(encoder, number, differences, weights, self._too_few(len(replies)))
        record = self._record(
            "train",
            number,
            start,
            answers.told,
            losses={name: reply.losses for name, reply in replies.items()},
            cosines=step.cosines,
            weights=step.weights,
            held_back=step.held_back,
            note=step.note,
        )
        optimiser = self._aggregation.state() if isinstance(self._aggregation, Resumable) else {}
        return replace(state, encoder=step.encoder, round=number, optimiser=optimiser, history=(*state.history, record))

    def _stepped(
        self,
        encoder: Encoder,
        number: int,
        differences: Mapping[str, Float64],
        weights: Mapping[str, float],
        note: str,
    ) -> Step:
        """The step along these differences [P], by name of who sent them; none where a ``note`` says why."""
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
        if not note and not any(update.weight > 0 for update in updates):
            note = "the encoder is unchanged: no platform whose update has a weight replied"
        if not note:
            flat = self._aggregation.step(encoder.flat, updates, round_number=number)
            if np.isfinite(flat).all():
                after, deliveries = Encoder(spec=encoder.spec, flat=flat), self._exchange.deliveries
                encoder = deliveries.advanced(encoder, after) if deliveries.keep else after
            else:
                note = "the encoder is unchanged: the aggregate is not finite"
        return Step(
            encoder=encoder,
            weights=dict(weights),
            cosines=products.cosines(),
            held_back=dict(shares.reasons),
            note=note,
        )

    def masked_sum(self, state: RunState, wanted: NextSum) -> RunState:
        """What one sum brings: first what the encoder is worth, then its moments or the next step.

        Where the encoder is passed over, what came of it is dropped, and the run goes back to the one that is kept:
        no single platform can be left out of what follows.
        """
        if self._masked is None:
            raise ConfigError("a sum is asked for in masked runs alone")
        start = self._clock.now()
        found, is_alone = self._masked.asked(state, wanted), wanted.parts == ("evaluate",)
        after = self._judged(state, found, start, is_alone=is_alone) if "evaluate" in wanted.parts else state
        is_dropped = after is not state and after.history[-1].passed_over
        if "moments" in wanted.parts:
            after = self._summed_moments(after, found, start)
        if "train" in wanted.parts:
            after = self._summed_step(after, found, start, is_dropped=is_dropped)
        return after

    def _judged(self, state: RunState, found: GroupAnswers, start: float, *, is_alone: bool) -> RunState:
        """After what the encoder that was sent is worth to groups; one that is passed over makes way.

        What the sum took stands where it brings more than this.
        """
        validation, wrong = dict[str, dict[str, float]](), dict[str, str]()
        for name, group in found.groups.items():
            try:
                validation[name] = validation_of(group)
            except ReplyRejected as error:
                wrong[name] = f"left out: {error}"
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        is_kept = bool(validation) and may_be_kept(validation, state.history, weights, groups=found.members)
        is_passed_over = bool(validation) and not is_kept
        words = passed_over_words(state.history) if is_passed_over else ""
        took = {} if is_alone else {"bytes_down": 0, "bytes_up": 0}
        told = {**found.told, **took, "validation": validation, "held_back": wrong, "kept": is_kept}
        told["note"] = "; ".join(filter(None, [words, found.note]))
        record = self._record("evaluate", state.round, start if is_alone else self._clock.now(), told)
        after = replace(state, kept=state.encoder if is_kept else state.kept, history=(*state.history, record))
        if not is_passed_over or state.kept is None:
            return after
        self._aggregation = self._build(self._config)
        return replace(after, encoder=state.kept, optimiser={})

    def _summed_moments(self, state: RunState, found: GroupAnswers, start: float) -> RunState:
        """After a linear part that is solved from groups' moments, each of its members' size."""
        moments, sizes, wrong = moments_of(found.groups, state.encoder.spec.input_dim)

        def solved() -> Solved:
            linear, shares = linear_part(moments, dict.fromkeys(moments, 1.0), sizes, self._config)
            reasons = {**shares.reasons, **{name: f"left out: {why}" for name, why in wrong.items()}}
            return state.encoder.with_linear(linear), dict(shares.of), reasons

        return replace(self._after({**found.told, "note": found.note}, solved, state, start), moments=moments)

    def _summed_step(self, state: RunState, found: GroupAnswers, start: float, *, is_dropped: bool) -> RunState:
        """After a step along groups' mean updates, or none where what they trained from is passed over."""
        encoder, number = state.encoder, state.round + 1
        differences = {name: mean_update(group, encoder.spec) for name, group in found.groups.items()}
        weights = {name: group.size for name, group in found.groups.items()}
        note = DROPPED_WITH_ITS_START if is_dropped else self._too_few(len(found.answers.replies))
        step = self._stepped(encoder, number, differences, weights, note)
        told = {**found.told, "cosines": step.cosines, "weights": step.weights, "held_back": step.held_back}
        told["note"] = "; ".join(filter(None, [step.note, found.note]))
        optimiser = self._aggregation.state() if isinstance(self._aggregation, Resumable) else {}
        history = (*state.history, self._record("train", number, start, told))
        return replace(state, encoder=step.encoder, round=number, optimiser=optimiser, history=history)

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
