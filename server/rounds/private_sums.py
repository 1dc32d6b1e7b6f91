"""A run whose answers are summed under masks, and whose sums bear the noise of the promise once.

The first sum is of cross moments, and of what the encoder is worth from which the run starts; the second of what the
one is worth that came of the first. Parts of a vector bear the same noise a number, and no user gives to both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.aggregation.size_classes import SizeClasses
from server.rounds.exchange import Answers, Exchange
from server.rounds.kept_sums import KeptSums
from server.rounds.known_heads import KnownHeads
from server.rounds.run_state import RoundRecord, RunState, may_be_kept, passed_over_words
from server.rounds.sum_exchange import SumExchange, Summand
from server.rounds.sum_groups import ALL
from server.rounds.sum_roster import SumRoster
from server.rounds.waiting import Clock
from shared.encoder.cross import CatalogueMoments, released_cross
from shared.errors import ConfigError, InputError
from shared.federation.config import EVALUATIONS, RoundsConfig
from shared.federation.messages import BOTH
from shared.federation.private_parts import NUMBERS, SummedEvaluation
from shared.federation.sum_messages import SumPart, SumWork
from shared.secure_sum.scheme import SumResult


@dataclass(frozen=True, eq=False, kw_only=True)
class SumOfAll:
    """What came of one sum."""

    result: SumResult | None
    """None where it failed, or too few are in it"""
    answers: Answers[None]
    """who is in it, why others are not, bytes"""
    note: str
    """why there is no result; else empty"""

    @property
    def told(self) -> dict[str, Any]:
        """What a line of the history says of it."""
        groups = {} if self.result is None else {ALL: self.result.survivors}
        return {**self.answers.told, "groups": groups, "note": self.note}


@dataclass(frozen=True, eq=False, kw_only=True)
class PrivateSums:
    """The sums of one run."""

    sums: SumExchange
    config: RoundsConfig
    clock: Clock
    sizes: Mapping[str, float]
    """users of each platform of the roster, as it is registered"""
    public: CatalogueMoments
    """by which cross moments are whitened"""
    heads: KnownHeads
    """what was seen of platforms' privacy ledgers"""

    @classmethod
    def of(
        cls,
        exchange: Exchange,
        config: RoundsConfig,
        clock: Clock,
        state: RunState,
        roster: SumRoster | None,
        kept_sums: KeptSums,
        classes: SizeClasses,
        public: CatalogueMoments | None,
        heads: KnownHeads,
    ) -> "PrivateSums":
        """The sums for the run of this state.

        Args:
            exchange: asks the platforms.
            config: of the run.
            clock: tells the time, in seconds.
            state: what the run has reached.
            roster: the platforms that may be summed over; None where none is registered with a key for sums.
            kept_sums: where the sums stand, on the disk.
            classes: users by platform, as they are registered; a run needs at least one.
            public: moments of the catalogue by which cross moments are whitened; None where no catalogue is known.
            heads: what was seen of platforms' privacy ledgers.

        Returns:
            The sums of all platforms of the roster in one group.

        Raises:
            ConfigError: if there is no ``roster``, or no size class.
        """
        if roster is None:
            raise ConfigError("a masked run needs the platforms' keys for sums (roster); found none registered")
        if not classes.users:
            raise ConfigError("a masked-private run pays by how many users all platforms have; found no size class")
        return cls(
            sums=SumExchange(exchange, roster, {ALL: roster.roster}, state.run, kept_sums, {}),
            config=config,
            clock=clock,
            sizes=classes.of(member.party for member in roster.roster.members),
            public=public or CatalogueMoments.none(state.encoder.spec.input_dim),
            heads=heads,
        )

    def run(self, state: RunState, on_round: Callable[[RunState], None]) -> RunState:
        """Make both sums, as far as ``state`` does not hold them yet; without the first, there is nothing to judge.

        Args:
            state: what the run has reached.
            on_round: gets the state after each sum.

        Returns:
            The state after the last sum.

        Raises:
            FederationError: if the run cannot go on.
        """
        if not state.history:
            state = self._first(state)
            on_round(state)
        if state.history[-1].kind == "moments" and not state.history[-1].note:
            state = self._second(state)
            on_round(state)
        return state

    def _first(self, state: RunState) -> RunState:
        start, encoder = self.clock.now(), state.encoder
        summed = self._summed(state, 0, ("cross", "evaluate"))
        before = self._judged(summed, start, state)
        note = summed.note and f"the encoder is unchanged: {summed.note}"
        if summed.result is not None:
            numbers, noise = summed.result.values[:-NUMBERS], summed.result.noise_variance**0.5
            try:
                encoder = encoder.with_cross(released_cross(numbers, noise, self.public)).without_sequence()
            except InputError as error:
                note = f"the encoder is unchanged: {error}"
        facts = {**summed.told, "bytes_down": 0, "bytes_up": 0, "note": note}
        weights = dict.fromkeys(facts["groups"], 1.0)
        record = RoundRecord(kind="moments", round=0, seconds=0.0, weights=weights, **facts)
        return replace(before, encoder=encoder, history=(*before.history, record))

    def _second(self, state: RunState) -> RunState:
        start = self.clock.now()
        after = self._judged(self._summed(state, 1, ("evaluate",)), start, state)
        return replace(after, encoder=after.released) if after.history[-1].passed_over else after

    def _judged(self, summed: SumOfAll, start: float, state: RunState) -> RunState:
        """With what the encoder that was sent is worth, and as the one that the run leaves where it may be."""
        facts = summed.told
        if summed.result is not None:
            evaluation = SummedEvaluation.read(summed.result.values[-NUMBERS:], summed.result.noise_variance**0.5)
            validation, spread = {ALL: {BOTH: evaluation.mean}}, {ALL: evaluation.spread}
            is_kept = may_be_kept(validation, state.history, {}, spread)
            note = "" if is_kept else passed_over_words(state.history)
            facts |= {"validation": validation, "spread": spread, "kept": is_kept, "note": note}
        record = RoundRecord(kind="evaluate", round=0, seconds=self.clock.now() - start, **facts)
        left = state.encoder if record.kept else state.kept
        return replace(state, kept=left, history=(*state.history, record))

    def _summed(self, state: RunState, number: int, parts: tuple[SumPart, ...]) -> SumOfAll:
        """The sum of this number; without a result, and with a note, where too few are in it."""
        config = self.config
        summed = self.sums.summed(
            Summand(
                number=number,
                encoder=state.encoder,
                work=lambda sent, parties: SumWork(
                    run=state.run,
                    round=number,
                    seed=config.seed,
                    parts=parts,
                    encoder=sent,
                    weights=dict.fromkeys(parties, 1.0),
                    noise=config.noise,
                    public=self.public if "cross" in parts else None,
                    users=int(sum(self.sizes.values())),
                ),
                left=EVALUATIONS - number,
                largest=int(max(self.sizes.values())),
                colluding=config.colluding_platforms,
                heads=self.heads,
            )
        )
        result, note = summed.results.get(ALL), summed.failed.get(ALL, "")
        if result is not None and (used := len(result.survivors)) < config.min_platforms:
            result, note = None, f"{used} platforms in the sum, at least {config.min_platforms} wanted"
        return SumOfAll(result=result, answers=summed.answers, note=note)
