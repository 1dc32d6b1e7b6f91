"""Secure sums of a run: keys for several ahead, then one sum after another, each stage a question to platforms.

What a stage leads to is on the disk before the next stage's messages leave. A run that goes on asks the stage again
that was cut off, and platforms give the same bytes. Where another sum was under way, its round is over: the key set-up
is given up and a new one made.

Platforms open no sum without noise whose parties differ by a few from those of an earlier one. So whoever is missing in
such a sum is left out of the following ones of the run.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from server.rounds.exchange import Answers, Exchange, Outcome, Question
from server.rounds.kept_sums import KeptSums
from server.rounds.screening import screen_sum
from server.rounds.sum_roster import LEFT_OUT, NO_SUM_KEY, SumRoster
from server.rounds.sum_terms import noised_terms, sum_terms
from server.rounds.summed_sets import SummedSets
from shared.encoder.encoder import Encoder
from shared.errors import FederationError, SumFailed, WireError
from shared.federation.messages import SumReply, SumTask, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.wire import SUM_TYPE, encode_task
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.streams import KEY
from shared.secure_sum.terms import MOST_SUMS, SetupTerms, SumTerms

SET_UP, SUMMED = ("keys", "shares"), ("mask", "agree", "open")
"""stages that end a set-up, and a sum"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Summand:
    """What platforms' vectors are of."""

    round: int
    encoder: Encoder
    """that goes out"""
    work: Callable[[Any], SumWork]
    """with the encoder, or with what leads to it from the one that a platform holds"""
    left: int
    """sums that the run still makes, this one among them"""
    largest: int = 0
    """size class of the largest platform, where the sum bears noise"""
    colluding: int = 0
    """platforms whose share of that noise does not count"""

    @property
    def is_noised(self) -> bool:
        """Whether the sum bears noise."""
        return self.work(self.encoder).noise > 0

    def terms(self, parties: int) -> SumTerms:
        """For a roster of so many; raises ConfigError where a value makes no sense."""
        work = self.work(self.encoder)
        if work.noise:
            return noised_terms(work, self.largest, self.colluding)
        return sum_terms(VectorForm.of(work), parties, bytes.fromhex(work.meaning))


@dataclass(frozen=True, eq=False, kw_only=True)
class Summed:
    """What came of a sum."""

    result: SumResult | None
    """None where the sum failed"""
    answers: Answers[None]
    """of all its stages, and of the set-up where one was made: who is in the sum, why others are not, bytes"""
    note: str
    """why it failed, in words; else empty"""


class SumExchange:
    """The coordinator's side of a run's sums, over its exchange."""

    def __init__(
        self,
        exchange: Exchange,
        registered: SumRoster,
        run: str,
        kept: KeptSums,
        together: Collection[str] = (),
        draw: Draw = os.urandom,
    ) -> None:
        """Where the run begins, or goes on.

        Args:
            exchange: asks the platforms.
            registered: every platform that has a key for sums, and which of them were summed before.
            run: which run this is.
            kept: what was reached.
            together: platforms of the run's last sum; empty where there was none.
            draw: the source of what names a set-up.

        Raises CheckpointError or WireError where what was kept cannot be read.
        """
        self._exchange, self._run, self._kept, self._draw = exchange, run, kept, draw
        self._registered, self._roster = registered, registered.roster
        which, state = kept.read()
        is_own = which.startswith(f"{run}/")
        self._together = frozenset(together or (one.party for one in self._roster.members))
        self._which = which if is_own else ""
        self._coordinator = Coordinator.from_bytes(state) if is_own else None

    def summed(self, summand: Summand) -> Summed:
        """The sum, or why there is none; raises FederationError where the run cannot go on."""
        answers: Answers[None] = Answers()
        try:
            coordinator = self._begun(summand, answers)
            answers.outcomes.update(self._left_out(coordinator))
            while coordinator.stage in SUMMED:
                self._stage(coordinator, summand, answers)
        except SumFailed as error:
            return Summed(result=None, answers=answers, note=str(error))
        result = coordinator.result
        if result is not None:
            self._together = self._together if summand.is_noised else frozenset(result.survivors)
            answers.outcomes.update(dict.fromkeys(result.survivors, ("reply", None)))
        return Summed(result=result, answers=answers, note="")

    def _begun(self, summand: Summand, answers: Answers[None]) -> Coordinator:
        """The coordinator, in a stage of this sum."""
        which, coordinator = f"{self._run}/{summand.round}", self._coordinator
        if coordinator is not None and coordinator.stage in SUMMED:
            if self._which == which:
                return coordinator
            coordinator = None
        if coordinator is None or coordinator.stage == "over" or not coordinator.sums_left:
            coordinator = self._coordinator = self._new(summand)
            self._keep(which, coordinator)
        self._which = which
        while coordinator.stage in SET_UP:
            self._stage(coordinator, summand, answers)
        coordinator.begin(summand.terms(len(self._roster)))
        self._keep(which, coordinator)
        return coordinator

    def _new(self, summand: Summand) -> Coordinator:
        """A set-up of those that the run takes."""
        members = self.chosen(is_noised=summand.is_noised)
        terms = SetupTerms(sums=min(summand.left, MOST_SUMS), noised=summand.is_noised)
        return Coordinator.of(Roster.of(members), terms, self._draw(KEY))

    def chosen(self, *, is_noised: bool = False) -> Collection[Member]:
        """The platforms that the run sums over from now on: all that are registered, for whom it waits; or, where
        that differs by a few from sets of before whose sums bore no noise, and this one is to bear none, the newest of
        those.

        Raises FederationError where there is neither.
        """
        cohort, sets = self._exchange.cohort, SummedSets() if is_noised else self._registered.summed
        wanted = {one for one in self._roster.members if one.party in self._together}
        wanted = {one for one in wanted if not cohort or one.party in cohort}

        def among(online: Collection[str]) -> set[Member]:
            return {one for one in wanted if one.party in online}

        found = self._exchange.wait_for(lambda online: sets.choice(among(online), wanted))
        if found is None:
            there = among(self._exchange.wait_for_platforms())
            if len(there) < 2:
                names = ", ".join(sorted(one.party for one in there)) or "none"
                raise FederationError(
                    f"expected 2 platforms or more online whose keys for sums are registered; found {names}"
                )
            found = sets.choice(there)
            if found is None:
                raise sets.dead_end(there)
        self._together = frozenset(one.party for one in found)
        return found

    def _left_out(self, coordinator: Coordinator) -> dict[str, tuple[Outcome, str]]:
        """Who is online and not asked, and why."""
        there = set(self._exchange.online()) - set(coordinator.parties)
        return {name: ("declined", LEFT_OUT if name in self._roster.places else NO_SUM_KEY) for name in sorted(there)}

    def _stage(self, coordinator: Coordinator, summand: Summand, total: Answers[None]) -> None:
        """Ask, take the answers, go on to the next stage; raises SumFailed where too few answered."""
        has_work = coordinator.stage == "mask"
        introductions = self._registered.introductions if coordinator.stage == "keys" else b""
        outgoing = {name: one for name, one in coordinator.outgoing().items() if name in self._together}
        question: Question[SumReply] = Question(
            message_type=SUM_TYPE,
            round=summand.round,
            encoder=summand.encoder if has_work else None,
            platforms=frozenset(outgoing),
            is_short=not has_work,
            seen=outgoing.__getitem__,
            write=lambda sent, message: encode_task(
                SumTask.of(self._run, summand.round, message, summand.work(sent) if has_work else None, introductions)
            ),
            screen=lambda content: screen_sum(content, summand.round),
        )
        self._kept.begins(summand.round, coordinator.stage, outgoing)
        answers = self._exchange.ask(question)
        for name, reply in answers.replies.items():
            try:
                coordinator.take(name, reply.answer)
            except WireError as error:
                answers.outcomes[name] = "dropped", str(error)
        answers.outcomes = {**dict.fromkeys(outgoing, ("missing", "")), **answers.outcomes}
        total.add(answers)
        try:
            coordinator.close()
            self._remember(coordinator)
        finally:
            if coordinator.stage not in ("ready", "over"):
                self._keep(self._which, coordinator)

    def _remember(self, coordinator: Coordinator) -> None:
        """Before platforms are asked to agree to a bare sum of a set that they may open."""
        members = [one for one in self._roster.members if one.party in coordinator.missing]
        if coordinator.stage == "agree" and coordinator.is_bare and self._registered.summed.may_be_summed(members):
            self._registered.summed.add(members)

    def _keep(self, which: str, coordinator: Coordinator) -> None:
        self._which = which
        self._kept.keep(which, coordinator.to_bytes())
