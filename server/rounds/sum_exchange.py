"""Secure sums of a run: keys for several ahead, then one sum after another, each stage a question to platforms.

What a stage leads to is on the disk before the next stage's messages leave. A run that goes on asks the stage again
that was cut off, and platforms give the same bytes. Where another sum was under way, its round is over: the key set-up
is given up and a new one made.

Platforms open no sum whose parties differ by a few from those of an earlier one. So whoever is missing in a sum is left
out of the following ones of the run.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from server.rounds.exchange import Answers, Exchange, Question
from server.rounds.kept_sums import KeptSums
from server.rounds.screening import screen_sum
from server.rounds.sum_terms import sum_terms
from shared.encoder.encoder import Encoder
from shared.errors import FederationError, SumFailed, WireError
from shared.federation.messages import SumReply, SumTask, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.wire import SUM_TYPE, encode_task
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.roster import Roster
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.streams import KEY
from shared.secure_sum.terms import MOST_SUMS, SetupTerms

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
        roster: Roster,
        run: str,
        kept: KeptSums,
        together: Collection[str] = (),
        draw: Draw = os.urandom,
    ) -> None:
        """Where the run begins, or goes on.

        Args:
            exchange: asks the platforms.
            roster: every platform that is registered, with its key for sums.
            run: which run this is.
            kept: what was reached.
            together: platforms of the run's last sum; empty where there was none.
            draw: the source of what names a set-up.

        Raises CheckpointError or WireError where what was kept cannot be read.
        """
        self._exchange, self._roster, self._run, self._kept, self._draw = exchange, roster, run, kept, draw
        which, state = kept.read()
        is_own = which.startswith(f"{run}/")
        self._together = frozenset(together or (one.party for one in roster.members))
        self._which = which if is_own else ""
        self._coordinator = Coordinator.from_bytes(state) if is_own else None

    def summed(self, summand: Summand) -> Summed:
        """The sum, or why there is none; raises FederationError where the run cannot go on."""
        answers: Answers[None] = Answers()
        try:
            coordinator = self._begun(summand, answers)
            while coordinator.stage in SUMMED:
                self._stage(coordinator, summand, answers)
        except SumFailed as error:
            return Summed(result=None, answers=answers, note=str(error))
        result = coordinator.result
        if result is not None:
            self._together = frozenset(result.survivors)
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
        parties = len(self._roster)
        work = summand.work(summand.encoder)
        coordinator.begin(sum_terms(VectorForm.of(work), parties, bytes.fromhex(work.meaning)))
        self._keep(which, coordinator)
        return coordinator

    def _new(self, summand: Summand) -> Coordinator:
        """A set-up of who is registered and online."""
        online = self._exchange.wait_for_platforms()
        members = [one for one in self._roster.members if one.party in self._together.intersection(online)]
        if len(members) < 2:
            found = ", ".join(one.party for one in members) or "none"
            raise FederationError(
                f"expected 2 platforms or more online whose keys for sums are registered; found {found}"
            )
        return Coordinator.of(Roster.of(members), SetupTerms(sums=min(summand.left, MOST_SUMS)), self._draw(KEY))

    def _stage(self, coordinator: Coordinator, summand: Summand, total: Answers[None]) -> None:
        """Ask, take the answers, go on to the next stage; raises SumFailed where too few answered."""
        has_work = coordinator.stage == "mask"
        outgoing = {name: one for name, one in coordinator.outgoing().items() if name in self._together}
        question: Question[SumReply] = Question(
            message_type=SUM_TYPE,
            round=summand.round,
            encoder=summand.encoder if has_work else None,
            platforms=frozenset(outgoing),
            seen=outgoing.__getitem__,
            write=lambda sent, message: encode_task(
                SumTask.of(self._run, summand.round, message, summand.work(sent) if has_work else None)
            ),
            screen=lambda content: screen_sum(content, summand.round),
        )
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
        finally:
            if coordinator.stage not in ("ready", "over"):
                self._keep(self._which, coordinator)

    def _keep(self, which: str, coordinator: Coordinator) -> None:
        self._which = which
        self._kept.keep(which, coordinator.to_bytes())
