"""The rounds of a plain or private run: a question each, and what its answers come to."""

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
from server.aggregation.server_optimiser import BuildAggregation, Resumable, Update
from server.aggregation.size_classes import NO_CLASSES, SizeClasses
from server.aggregation.weighting import Weighting
from server.rounds.exchange import Exchange, Question
from server.rounds.known_ledgers import KnownLedgers
from server.rounds.run_state import Kind, RoundRecord, RunState, may_be_kept, passed_over_words
from server.rounds.screening import screen_cross, screen_evaluate, screen_moments, screen_train
from server.rounds.told_stage import NOBODY_TOLD, StageTeller
from server.rounds.waiting import Clock
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
from shared.federation.updates import round_seed, update_form
from shared.federation.wire import CROSS_TYPE, EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task

Float64 = NDArray[np.float64]
_LOG = logging.getLogger("graft.server")
NO_LEDGERS = KnownLedgers(None)
Solved = tuple[Encoder, dict[str, float], dict[str, str]]
"""an encoder with a new linear part, what each platform's answer weighed, and who was held back and why"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """What training came to."""

    encoder: Encoder
    optimiser: Mapping[str, Float64]
    """what the aggregation goes on from"""
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
        teller: StageTeller = NOBODY_TOLD,
    ) -> None:
        self._config = config
        self.clock = clock
        self._build, self._aggregation = aggregation, aggregation(config)
        self._classes, self._ledgers = classes, ledgers
        self._weighting = Weighting(config, classes)
        self.exchange = Exchange(grid, config, clock, state.cohort, signer, teller)
        if isinstance(self._aggregation, Resumable):
            self._aggregation.restore(state.optimiser)
        elif state.round:
            raise ConfigError("a run cannot go on with an aggregation that has no state() and restore()")

    def moments_round(self, state: RunState) -> RunState:
        """Ask for moments, and solve the linear part from all that the server holds.

        Args:
            state: what the run has reached.

        Returns:
            The state with the moments, a line of history, and the encoder: as it was where too few answered, or nothing
            can be solved.

        Raises:
            FederationError: if too few platforms are online, or one that is required stays away.
        """
        start, encoder = self.clock.now(), state.encoder
        nonce = nonce_of("moments", state.run, state.round)
        task = MomentsTask(run=state.run, round=state.round, nonce=nonce, feature_space=encoder.spec.feature_space)
        content = encode_task(task)
        question: Question[MomentsReply] = Question(
            message_type=MOMENTS_TYPE,
            round=state.round,
            stage="moments",
            write=lambda _encoder, _seen: content,
            screen=lambda reply: screen_moments(reply, encoder.spec, state.round),
        )
        answers = self.exchange.ask(question)
        moments = {**state.moments, **{name: reply.moments for name, reply in answers.replies.items()}}

        def solved() -> Solved:
            by_similarity = self._weighting.of_moments(moments)
            linear, shares = linear_part(moments, by_similarity, self._classes, self._config)
            weights = {name: weight * shares.of.get(name, 0.0) for name, weight in by_similarity.items()}
            return encoder.with_linear(linear), weights, dict(shares.reasons)

        return replace(self.after(answers.told, solved, state, start), moments=moments)

    def cross_round(self, state: RunState, public: CatalogueMoments | None) -> RunState:
        """Ask for cross moments under noise, and carry their sum in the encoder; no platform's own is kept.

        A sequence part that it started with is left out: what makes it tells of users without noise.

        Args:
            state: what the run has reached.
            public: moments of the catalogue by which platforms whiten their cross moments; None where no catalogue is
                known.

        Returns:
            The state with the new encoder and a line of history; the encoder is as it was where too few answered, or
            nothing but noise came.

        Raises:
            FederationError: if too few platforms are online, or one that is required stays away.
            CheckpointError: if a ledger of what platforms released is damaged or cannot be written.
        """
        start, encoder, noise = self.clock.now(), state.encoder, self._config.noise
        known = public or CatalogueMoments.none(encoder.spec.input_dim)
        nonce = nonce_of("cross", state.run, state.round)
        question: Question[CrossReply] = Question(
            message_type=CROSS_TYPE,
            round=state.round,
            stage="moments",
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
        answers = self.exchange.ask(question)
        for name, reply in answers.replies.items():
            if objection := self._ledgers.objection(name, reply):
                answers.outcomes[name] = "dropped", objection
            else:
                self._ledgers.add(name, reply, run=state.run, noise=noise, delta=self._config.delta)

        def solved() -> Solved:
            cross, shares = summed_cross(answers.replies, known, self._classes, self._config.robust)
            return encoder.with_cross(cross).without_sequence(), dict(shares.of), dict(shares.reasons)

        return self.after(answers.told, solved, state, start)

    def after(self, facts: Mapping[str, Any], solved: Callable[[], Solved], state: RunState, start: float) -> RunState:
        """The state with the linear part that is ``solved``, or as it was where too few answered or nothing can be.

        Args:
            facts: what the record says of who answered.
            solved: makes the encoder; raises InputError where nothing can be solved.
            state: what the run had reached before.
            start: when the question was begun, in seconds of the clock.

        Returns:
            The state with a line of history; its note says why the encoder is as it was.
        """
        encoder, weights, reasons = state.encoder, dict[str, float](), dict[str, str]()
        note = self.too_few(facts.get("counts", {}).get("reply", len(facts["platforms"])))
        if not note:
            try:
                encoder, weights, reasons = solved()
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        note = "; ".join(filter(None, [note, facts.get("note", "")]))
        facts = {**facts, "weights": weights, "held_back": reasons, "note": note}
        record = self.record("moments", state.round, start, facts)
        return replace(state, encoder=encoder, history=(*state.history, record))

    def judged_moments(self, state: RunState, public: CatalogueMoments | None) -> RunState:
        """A moments round and its evaluation; where it made the encoder clearly worse, training starts from before.

        Args:
            state: what the run has reached.
            public: of a private run, as in ``cross_round``; a plain run does not look at it.

        Returns:
            The state after both questions.

        Raises:
            FederationError: if too few platforms are online, or one that is required stays away.
        """
        solved = self.cross_round(state, public) if self._config.is_private else self.moments_round(state)
        after = self.evaluated(solved)
        return replace(after, encoder=state.encoder) if after.history[-1].passed_over else after

    def training_round(self, state: RunState) -> RunState:
        """Send the encoder out to be trained, and step along the platforms' differences to it.

        Args:
            state: what the run has reached.

        Returns:
            The state one round further, with a line of history; its note says why, where the encoder is as it was.

        Raises:
            FederationError: if too few platforms are online, or one that is required stays away.
        """
        start, encoder, number = self.clock.now(), state.encoder, state.round + 1
        settings, seed, keep = self._config.local_in(number), self._config.seed, self.exchange.downlink_cache.keep
        form, nonce = update_form(settings, round_seed(seed, number)), nonce_of("train", state.run, number)
        question: Question[TrainReply] = Question(
            message_type=TRAIN_TYPE,
            round=number,
            stage="train",
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
        answers = self.exchange.ask(question)
        replies, flat = answers.replies, encoder.flat.astype(np.float64)
        weights = self._weighting.of(list(replies), state.moments)
        differences = {name: reply.flat - flat for name, reply in replies.items()}
        step = self.stepped(encoder, number, differences, weights, self.too_few(len(replies)))
        record = self.record(
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
        history = (*state.history, record)
        return replace(state, encoder=step.encoder, round=number, optimiser=step.optimiser, history=history)

    def stepped(
        self,
        encoder: Encoder,
        number: int,
        differences: Mapping[str, Float64],
        weights: Mapping[str, float],
        note: str,
    ) -> Step:
        """The server's step along these differences.

        Args:
            encoder: the encoder that was sent out.
            number: of the training round, from 1.
            differences: [P] by name of who sent them: what came back minus the encoder.
            weights: by the same names, how much each counts.
            note: why no step is taken, in words; empty where one is.

        Returns:
            The next encoder with weights, cosines and who was held back; the encoder is as it was where the step's
            ``note`` says why: the one given, no update with a weight, or an aggregate that is not finite.
        """
        products = InnerProducts.between(
            list(differences), lambda name, other: float(np.vdot(differences[name], differences[other]))
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
                after, downlink_cache = Encoder(spec=encoder.spec, flat=flat), self.exchange.downlink_cache
                encoder = downlink_cache.advanced(encoder, after) if downlink_cache.keep else after
            else:
                note = "the encoder is unchanged: the aggregate is not finite"
        return Step(
            encoder=encoder,
            optimiser=self._aggregation.state() if isinstance(self._aggregation, Resumable) else {},
            weights=dict(weights),
            cosines=products.cosines(),
            held_back=dict(shares.reasons),
            note=note,
        )

    def went_back(self, state: RunState, encoder: Encoder) -> RunState:
        """To an encoder of before, from which steps are taken as at the beginning.

        Args:
            state: what the run has reached.
            encoder: the one that it goes back to.

        Returns:
            The state with this encoder, and nothing of what the aggregation had learnt.
        """
        self._aggregation = self._build(self._config)
        return replace(state, encoder=encoder, optimiser={})

    def evaluated(self, state: RunState) -> RunState:
        """Ask what the encoder is worth; changes nothing but the history, and what the run leaves.

        Args:
            state: what the run has reached.

        Returns:
            The state with a line of history; the same one where the config evaluates nothing.

        Raises:
            FederationError: if too few platforms are online, or one that is required stays away.
        """
        if not self._config.evaluate_every:
            return state
        start, seed, keep = self.clock.now(), self._config.seed, self.exchange.downlink_cache.keep
        nonce = nonce_of("evaluate", state.run, state.round, state.encoder.digest)
        question: Question[EvaluateReply] = Question(
            message_type=EVALUATE_TYPE,
            round=state.round,
            stage=_evaluation_stage(state),
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
        answers = self.exchange.ask(question)
        validation = {name: reply.validation for name, reply in answers.replies.items()}
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        noise = self._config.evaluation_noise
        spread = {name: noise / max(reply.users, 1) for name, reply in answers.replies.items() if noise}
        is_kept = bool(validation) and may_be_kept(validation, state.history, weights, spread)
        note = passed_over_words(state.history) if validation and not is_kept else ""
        facts = {**answers.told, "validation": validation, "spread": spread, "kept": is_kept, "note": note}
        record = self.record("evaluate", state.round, start, facts)
        return replace(state, kept=state.encoder if is_kept else state.kept, history=(*state.history, record))

    def too_few(self, usable: int) -> str:
        """Why so many replies bring nothing.

        Args:
            usable: how many replies there are.

        Returns:
            The reason in words; empty where they are enough.
        """
        least = self._config.min_platforms
        return "" if usable >= least else f"the encoder is unchanged: {usable} usable replies, at least {least} wanted"

    def record(self, kind: Kind, number: int, start: float, facts: Mapping[str, Any], **further: Any) -> RoundRecord:
        """A line of the history, said in the log too.

        Args:
            kind: of the question.
            number: of the round; 0 for the moments round.
            start: when the question was begun, in seconds of the clock.
            facts: fields of the record: who answered, bytes, and what came of it.
            **further: more fields of the record.

        Returns:
            The record; its seconds are those since ``start``.
        """
        record = RoundRecord(kind=kind, round=number, seconds=self.clock.now() - start, **facts, **further)
        for name, reason in record.dropped.items():
            _LOG.warning("%s round %d: the reply of %s was dropped: %s", kind, number, name, reason)
        for name, reason in record.held_back.items():
            _LOG.warning("%s round %d: the reply of %s was %s", kind, number, name, reason)
        if record.passed_over:
            _LOG.warning("the encoder after %s is %s", f"round {number}" if number else "moments", record.note)
        _LOG.info("%s round %d: %d replies used %s", kind, number, len(record.platforms), record.note)
        return record


def _evaluation_stage(state: RunState) -> str:
    """What those who watch are told of an evaluation."""
    if state.round:
        return "evaluate"
    return "after-moments" if any(record.kind == "moments" for record in state.history) else "start"
