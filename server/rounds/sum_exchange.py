"""Secure sums of a run: for each group keys for several ahead, then one sum after another.

Each stage is one question to the platforms of all groups that are in it. What a stage leads to is on the disk before
the next stage's messages leave. A run that goes on asks the stage again that was cut off, and platforms give the same
bytes. Where another sum was under way, its round is over: the key set-up is given up and a new one made.

Platforms open no sum whose parties differ by a few from those of an earlier one. So whoever is missing in a sum is left
out of the following ones of the run. A group whose sum fails is missing in it; the others go on.
"""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from server.rounds.exchange import Answers, Exchange, Question
from server.rounds.kept_sums import KeptSums, Reached
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

STAGES = ("keys", "shares", "mask", "agree", "open")
"""in which answers are asked for: two of a set-up, three of a sum"""
SUMMED = STAGES[2:]
Parties = tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Summand:
    """What platforms' vectors are of."""

    number: int
    """of the sum in its run"""
    encoder: Encoder
    """that goes out"""
    work: Callable[[Any, Parties], SumWork]
    """with the encoder, or with what leads to it from the one that a platform holds; of the parties of a set-up"""
    left: int
    """sums that the run still makes, this one among them"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Summed:
    """What came of a sum of all groups."""

    results: Mapping[str, SumResult]
    """by group whose sum did not fail"""
    parties: Mapping[str, Parties]
    """by group, who was asked in its set-up"""
    failed: Mapping[str, str]
    """by group, why there is no result, in words"""
    answers: Answers[None]
    """of all stages, and of set-ups that were made: who is in a sum, why others are not, bytes"""


class SumExchange:
    """The coordinators' side of a run's sums, over its exchange."""

    def __init__(
        self,
        exchange: Exchange,
        groups: Mapping[str, Roster],
        run: str,
        kept: KeptSums,
        together: Mapping[str, Collection[str]],
        draw: Draw = os.urandom,
    ) -> None:
        """Where the run begins, or goes on.

        Args:
            exchange: asks the platforms.
            groups: of all platforms that are registered, with their keys for sums.
            run: which run this is.
            kept: what was reached; nothing, where that is of other groups.
            together: by group, platforms of its last sum in the run; a group that had none is not named.
            draw: the source of what names a set-up.

        Raises CheckpointError or WireError where what was kept cannot be read.
        """
        self._exchange, self._groups, self._run, self._kept, self._draw = exchange, groups, run, kept, draw
        found = kept.read()
        reached = found if found.which.startswith(f"{run}/") else Reached()
        everybody = {group: frozenset(one.party for one in roster.members) for group, roster in groups.items()}
        coordinators = {group: Coordinator.from_bytes(state) for group, state in reached.states.items()}
        if any(not set(one.parties) <= everybody.get(group, frozenset()) for group, one in coordinators.items()):
            reached, coordinators = Reached(), {}
        self._reached, self._coordinators, self._failed = reached, coordinators, dict(reached.failed)
        self._together = {group: names & frozenset(together.get(group, names)) for group, names in everybody.items()}

    def summed(self, summand: Summand) -> Summed:
        """The sums, or why there are none; raises FederationError where the run cannot go on."""
        answers: Answers[None] = Answers()
        which = f"{self._run}/{summand.number}"
        if self._reached.which != which:
            self._begin_anew(summand)
        done: dict[str, SumResult] = {}
        while True:
            self._begin_sums(summand, done)
            asked = [one.stage for _group, one in self._under_way(done)]
            if not asked:
                break
            self._keep(which)
            self._stage(min(asked, key=STAGES.index), summand, answers, done)
        for group, result in done.items():
            self._together[group] = frozenset(result.survivors)
            answers.outcomes.update(dict.fromkeys(result.survivors, ("reply", None)))
        parties = {group: one.parties for group, one in self._coordinators.items()}
        return Summed(results=done, parties=parties, failed=dict(self._failed), answers=answers)

    def _under_way(self, done: Mapping[str, SumResult]) -> list[tuple[str, Coordinator]]:
        over = {*done, *self._failed}
        return [(group, one) for group, one in sorted(self._coordinators.items()) if group not in over]

    def _begin_anew(self, summand: Summand) -> None:
        """Each group with keys that are left, or a set-up of who is registered and online."""
        self._failed = {}
        online, terms = self._exchange.wait_for_platforms(), SetupTerms(sums=min(summand.left, MOST_SUMS))
        for group, roster in self._groups.items():
            known = self._coordinators.pop(group, None)
            if known is not None and known.stage == "ready" and known.sums_left:
                self._coordinators[group] = known
                continue
            members = [one for one in roster.members if one.party in self._together[group].intersection(online)]
            if len(members) < 2:
                found = ", ".join(one.party for one in members) or "none"
                expected = "expected 2 platforms or more online whose keys for sums are registered"
                self._failed[group] = f"{expected}; found {found}"
                continue
            self._coordinators[group] = Coordinator.of(Roster.of(members), terms, self._draw(KEY))
        if not self._coordinators:
            raise FederationError("; ".join(f"{group}: {why}" for group, why in self._failed.items()))

    def _set_up_without(self, declined: set[str], group: str, failed: Coordinator) -> bool:
        """Whether a set-up that failed is made anew at once, without those who declined in it."""
        left = [one for one in self._groups[group].members if one.party in set(failed.parties) - declined]
        if failed.stage != "over" or not 1 < len(left) < len(failed.parties):
            return False
        self._coordinators[group] = Coordinator.of(Roster.of(left), failed.terms, self._draw(KEY))
        return True

    def _begin_sums(self, summand: Summand, done: Mapping[str, SumResult]) -> None:
        for _group, coordinator in self._under_way(done):
            if coordinator.stage == "ready":
                work = summand.work(summand.encoder, coordinator.parties)
                about = bytes.fromhex(work.meaning)
                coordinator.begin(sum_terms(VectorForm.of(work), len(coordinator.parties), about))

    def _stage(self, stage: str, summand: Summand, total: Answers[None], done: dict[str, SumResult]) -> None:
        """Ask the groups that are in it, take the answers, go on to their next; a group of too few answers fails."""
        has_work = stage == "mask"
        groups = {group: one for group, one in self._under_way(done) if one.stage == stage}
        asked = {
            party: (group, message)
            for group, one in groups.items()
            for party, message in one.outgoing().items()
            if party in self._together[group]
        }

        def written(sent: Any, about: tuple[str, bytes]) -> Any:
            work = summand.work(sent, groups[about[0]].parties) if has_work else None
            return encode_task(SumTask.of(self._run, summand.number, about[1], work))

        question: Question[SumReply] = Question(
            message_type=SUM_TYPE,
            round=summand.number,
            encoder=summand.encoder if has_work else None,
            platforms=frozenset(asked),
            seen=asked.__getitem__,
            write=written,
            screen=lambda content: screen_sum(content, summand.number),
        )
        answers = self._exchange.ask(question)
        for name, reply in answers.replies.items():
            try:
                groups[asked[name][0]].take(name, reply.answer)
            except WireError as error:
                answers.outcomes[name] = "dropped", str(error)
        answers.outcomes = {**dict.fromkeys(asked, ("missing", "")), **answers.outcomes}
        total.add(answers)
        for group, coordinator in groups.items():
            try:
                coordinator.close()
            except SumFailed as error:
                if not self._set_up_without(set(answers.others["declined"]), group, coordinator):
                    self._failed[group] = str(error)
            if coordinator.result is not None and stage == SUMMED[-1] and group not in self._failed:
                done[group] = coordinator.result

    def _keep(self, which: str) -> None:
        """Where nothing has changed, it stands there already."""
        states = {group: one.to_bytes() for group, one in self._coordinators.items()}
        reached = Reached(which=which, states=states, failed=dict(self._failed))
        if reached != self._reached:
            self._kept.keep(reached)
            self._reached = reached
