"""The rounds of a masked run: what comes of each sum, in which groups stand where plain rounds have platforms."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from server.aggregation.linear_part import linear_part
from server.aggregation.size_classes import SizeClasses
from server.rounds.loop import RoundLoop, Solved
from server.rounds.masked_rounds import GroupAnswers, MaskedRounds, NextSum, next_sum
from server.rounds.run_state import SLIGHTLY, RunState, may_be_kept, passed_over_words
from server.rounds.sum_parts import mean_update, moments_of, validation_of
from shared.encoder.linear import Moments
from shared.errors import ReplyRejected
from shared.federation.config import RoundsConfig
from shared.federation.updates import round_seed, summed_form

NOTHING_TAKEN = {"bytes_down": 0, "bytes_up": 0}
"""of a line of the history, beside which another one of the same sum says what was taken"""
DROPPED_WITH_ITS_START = "what was trained from the encoder that is passed over is dropped; the kept one goes out next"


class MaskedLoop:
    """From one state to the next."""

    def __init__(self, loop: RoundLoop, sums: MaskedRounds, config: RoundsConfig) -> None:
        """``loop`` takes the server's steps, and writes the lines of the history."""
        self._loop, self._sums, self._config = loop, sums, config

    def run(self, state: RunState, on_round: Callable[[RunState], None]) -> RunState:
        """Make all sums that the state does not hold yet.

        Args:
            state: what the run has reached.
            on_round: gets the state after each sum.

        Returns:
            The state after the last sum.

        Raises:
            FederationError: if the run cannot go on.
        """
        while (upcoming := next_sum(self._config, state)) is not None:
            state = self.after_sum(state, upcoming)
            on_round(state)
        return state

    def after_sum(self, state: RunState, upcoming: NextSum) -> RunState:
        """What one sum brings: first what the encoder is worth, then its moments or the next step.

        Where the encoder is passed over, what came of it is dropped, and the run goes back to the one that is kept:
        no single platform can be left out of what follows.

        Args:
            state: what the run has reached.
            upcoming: which sum, and what is in it.

        Returns:
            The state after it, with a line of history for each part.

        Raises:
            FederationError: if the run cannot go on.
        """
        start = self._loop.clock.now()
        summed, is_alone = self._sums.asked(state, upcoming), upcoming.parts == ("evaluate",)
        after = self._judged(state, summed, start, is_alone=is_alone) if "evaluate" in upcoming.parts else state
        is_dropped = after is not state and after.history[-1].passed_over
        if "moments" in upcoming.parts:
            after = self._summed_moments(after, summed, start, is_last="train" not in upcoming.parts)
        if "train" in upcoming.parts:
            after = self._summed_step(after, summed, start, is_dropped=is_dropped)
        return after

    def _judged(self, state: RunState, summed: GroupAnswers, start: float, *, is_alone: bool) -> RunState:
        """After what the encoder that was sent is worth to groups; one that is passed over makes way.

        What the sum took stands where it brings more than this.
        """
        validation, wrong = dict[str, dict[str, float]](), dict[str, str]()
        for name, group in summed.groups.items():
            try:
                validation[name] = validation_of(group)
            except ReplyRejected as error:
                wrong[name] = f"left out: {error}"
        weights = next((record.weights for record in reversed(state.history) if record.weights), {})
        is_kept = bool(validation) and may_be_kept(
            validation, state.history, weights, groups=summed.members, worse_by=SLIGHTLY
        )
        is_passed_over = bool(validation) and not is_kept
        words = passed_over_words(state.history, SLIGHTLY) if is_passed_over else ""
        took = {} if is_alone else NOTHING_TAKEN
        facts = {**summed.told, **took, "validation": validation, "held_back": wrong, "kept": is_kept}
        facts["note"] = "; ".join(filter(None, [words, summed.note]))
        record = self._loop.record("evaluate", state.round, start if is_alone else self._loop.clock.now(), facts)
        after = replace(state, kept=state.encoder if is_kept else state.kept, history=(*state.history, record))
        if not is_passed_over or state.kept is None:
            return after
        return self._loop.went_back(after, state.kept)

    def _summed_moments(self, state: RunState, summed: GroupAnswers, start: float, *, is_last: bool) -> RunState:
        """After a linear part that is solved from groups' moments, each of its members' size.

        A cohort's moments are added to those of the cohorts before it. What the sum took stands where nothing follows.
        """
        moments, sizes, wrong = moments_of(summed.groups, state.encoder.spec.input_dim)
        if self._config.cohort:
            moments, sizes = _with_earlier(moments, sizes, state.moments)

        def solved() -> Solved:
            linear, shares = linear_part(moments, dict.fromkeys(moments, 1.0), sizes, self._config)
            reasons = {**shares.reasons, **{name: f"left out: {why}" for name, why in wrong.items()}}
            return state.encoder.with_linear(linear), dict(shares.of), reasons

        facts = {**summed.told, **({} if is_last else NOTHING_TAKEN), "note": summed.note}
        start = start if is_last else self._loop.clock.now()
        return replace(self._loop.after(facts, solved, state, start), moments={**state.moments, **moments})

    def _summed_step(self, state: RunState, summed: GroupAnswers, start: float, *, is_dropped: bool) -> RunState:
        """After a step along groups' mean updates, or none where what they trained from is passed over."""
        encoder, number = state.encoder, state.round + 1
        form = summed_form(self._config.local_in(number), round_seed(self._config.seed, number))
        differences = {name: mean_update(group, encoder.spec, form) for name, group in summed.groups.items()}
        weights = {name: group.size for name, group in summed.groups.items()}
        note = DROPPED_WITH_ITS_START if is_dropped else self._loop.too_few(len(summed.answers.replies))
        step = self._loop.stepped(encoder, number, differences, weights, note)
        facts = {**summed.told, "cosines": step.cosines, "weights": step.weights, "held_back": step.held_back}
        facts["note"] = "; ".join(filter(None, [step.note, summed.note]))
        history = (*state.history, self._loop.record("train", number, start, facts))
        return replace(state, encoder=step.encoder, round=number, optimiser=step.optimiser, history=history)


def _with_earlier(
    moments: Mapping[str, Moments], sizes: SizeClasses, earlier: Mapping[str, Moments]
) -> tuple[dict[str, Moments], SizeClasses]:
    """Groups' moments with those of earlier sums, and how many stand behind both."""
    added = {name: group + earlier[name] if name in earlier else group for name, group in moments.items()}
    grown = {name: size * added[name].n / moments[name].n for name, size in sizes.of(moments).items()}
    return added, SizeClasses(grown)
