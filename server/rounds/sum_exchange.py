"""Secure sums of a run: for each group keys for several ahead, then one sum after another.

Each stage is one question to the platforms of all groups that are in it. What a stage leads to is on the disk before
the next stage's messages leave. A run that goes on asks the stage again that was cut off, and platforms give the same
bytes. Where another sum was under way, its round is over: the key set-up is given up and a new one made.

Platforms open no sum without noise whose parties differ by a few from those of an earlier one. So whoever is missing in
such a sum is left out of the following ones of the run. A group whose sum fails is missing in it; the others go on.
Where cohorts are drawn, each sum has keys of its own, and nobody is left out of a later one.
"""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from server.rounds.drawn_cohorts import DrawnCohorts
from server.rounds.exchange import Answers, Exchange, Outcome, Question
from server.rounds.kept_sums import KeptSums, Reached
from server.rounds.known_heads import KnownHeads
from server.rounds.screening import screen_sum
from server.rounds.sum_roster import LEFT_OUT, NO_SUM_KEY, SumRoster
from server.rounds.sum_terms import noised_terms, sum_terms
from server.rounds.summed_sets import SummedSets
from shared.encoder.encoder import Encoder
from shared.errors import FederationError, SumFailed, WireError
from shared.federation.sum_messages import SumReply, SumTask, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.wire import SUM_TYPE, encode_task
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.streams import KEY
from shared.secure_sum.terms import MOST_SUMS, SetupTerms, SumTerms

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
    largest: int = 0
    """size class of the largest platform, where the sum bears noise"""
    colluding: int = 0
    """of the parties, whose share of that noise does not count"""
    heads: KnownHeads | None = None
    """what was seen of platforms' privacy ledgers, where the sum bears noise; else None"""

    @property
    def is_noised(self) -> bool:
        """Whether the sum bears noise."""
        return self.heads is not None

    def terms(self, parties: Parties) -> SumTerms:
        """The terms of the sum of these platforms.

        Args:
            parties: their names.

        Returns:
            The terms of one sum of vectors in fixed point.

        Raises:
            ConfigError: if a value makes no sense.
        """
        work = self.work(self.encoder, parties)
        if self.is_noised:
            return noised_terms(work, self.largest, self.colluding)
        return sum_terms(VectorForm.of(work), len(parties), bytes.fromhex(work.meaning))


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
        registered: SumRoster,
        groups: Mapping[str, Roster],
        run: str,
        kept_sums: KeptSums,
        together: Mapping[str, Collection[str]],
        cohorts: DrawnCohorts | None = None,
        draw: Draw = os.urandom,
    ) -> None:
        """Where the run begins, or goes on.

        Args:
            exchange: asks the platforms.
            registered: every platform that has a key for sums, and which of them were summed before.
            groups: of all of them.
            run: which run this is.
            kept_sums: what was reached; nothing, where that is of other groups.
            together: by group, platforms of its last sum in the run; a group that had none is not named.
            cohorts: draws who is in each sum; None: all of a group are.
            draw: the source of what names a set-up.

        Raises CheckpointError or WireError where what was kept cannot be read.
        """
        self._registered, self._cohorts = registered, cohorts
        self._exchange, self._groups, self._run, self._kept, self._draw = exchange, groups, run, kept_sums, draw
        stored = kept_sums.read()
        reached = stored if stored.which.startswith(f"{run}/") else Reached()
        everybody = {group: frozenset(member.party for member in roster.members) for group, roster in groups.items()}
        coordinators = {group: Coordinator.from_bytes(state) for group, state in reached.states.items()}
        if any(
            not set(coordinator.parties) <= everybody.get(group, frozenset())
            for group, coordinator in coordinators.items()
        ):
            reached, coordinators = Reached(), {}
        self._reached, self._coordinators, self._failed = reached, coordinators, dict(reached.failed)
        self._together = {group: names & frozenset(together.get(group, names)) for group, names in everybody.items()}

    def summed(self, summand: Summand) -> Summed:
        """The sums, or why there are none; raises FederationError where the run cannot go on."""
        answers: Answers[None] = Answers()
        which = f"{self._run}/{summand.number}"
        if self._reached.which != which:
            self._begin_anew(summand)
        if self._cohorts is None:
            answers.outcomes.update(self._left_out())
        done: dict[str, SumResult] = {}
        while True:
            self._begin_sums(summand, done)
            stages = [coordinator.stage for _group, coordinator in self._under_way(done)]
            if not stages:
                break
            self._keep(which)
            self._stage(min(stages, key=STAGES.index), summand, answers, done)
        for group, result in done.items():
            self._together[group] = self._together[group] if summand.is_noised else frozenset(result.survivors)
            answers.outcomes.update(dict.fromkeys(result.survivors, ("reply", None)))
        parties = {group: coordinator.parties for group, coordinator in self._coordinators.items()}
        return Summed(results=done, parties=parties, failed=dict(self._failed), answers=answers)

    def _under_way(self, done: Mapping[str, SumResult]) -> list[tuple[str, Coordinator]]:
        over = {*done, *self._failed}
        return [(group, coordinator) for group, coordinator in sorted(self._coordinators.items()) if group not in over]

    def _begin_anew(self, summand: Summand) -> None:
        """Each group with keys that are left, or a set-up of who is registered and online."""
        self._failed = {}
        sums = 1 if self._cohorts else min(summand.left, MOST_SUMS)
        terms = SetupTerms(sums=sums, noised=summand.is_noised)
        for group in self._groups:
            known = self._coordinators.pop(group, None)
            if known is not None and known.stage == "ready" and known.sums_left:
                self._coordinators[group] = known
                continue
            try:
                if self._cohorts is None:
                    members = self._chosen(group, is_noised=summand.is_noised)
                else:
                    members = self._drawn(group, summand.number, self._cohorts)
            except FederationError as error:
                if len(self._groups) == 1:
                    raise
                self._failed[group] = str(error)
                continue
            self._coordinators[group] = Coordinator.of(Roster.of(members), terms, self._draw(KEY))
        if not self._coordinators:
            raise FederationError("; ".join(f"{group}: {why}" for group, why in self._failed.items()))

    def chosen(self) -> Collection[Member]:
        """The platforms of all groups that the run sums over from now on.

        Raises FederationError where a group has none.
        """
        return [member for group in self._groups for member in self._chosen(group, is_noised=False)]

    def _chosen(self, group: str, *, is_noised: bool) -> Collection[Member]:
        """The platforms of a group that the run sums over from now on: all that are registered, for whom it waits.

        Where that differs by a few from sets of before whose sums bore no noise, and this one is to bear none, it is
        the newest of those.

        Raises FederationError where there is neither.
        """
        cohort, sets = self._exchange.cohort, SummedSets() if is_noised else self._registered.summed
        eligible = {member for member in self._groups[group].members if member.party in self._together[group]}
        eligible = {member for member in eligible if not cohort or member.party in cohort}

        def among(online: Collection[str]) -> set[Member]:
            return {member for member in eligible if member.party in online}

        chosen = self._exchange.wait_for(lambda online: sets.choice(among(online), eligible))
        if chosen is None:
            there = among(self._exchange.wait_for_platforms())
            if len(there) < 2:
                names = ", ".join(sorted(member.party for member in there)) or "none"
                raise FederationError(
                    f"expected 2 platforms or more online whose keys for sums are registered; found {names}"
                )
            chosen = sets.choice(there)
            if chosen is None:
                raise sets.dead_end(there)
        self._together[group] = frozenset(member.party for member in chosen)
        return chosen

    def _drawn(self, group: str, number: int, cohorts: DrawnCohorts) -> Collection[Member]:
        """The cohort of a sum, once enough of the group are online; raises FederationError where they are not."""
        members = self._groups[group].members

        def among(online: Collection[str]) -> list[Member]:
            return [member for member in members if member.party in online]

        drawn = self._exchange.wait_for(lambda online: cohorts.summed(number, among(online), self._registered.summed))
        drawn = drawn or cohorts.summed_before(among(self._exchange.online()), self._registered.summed)
        if drawn is None:
            raise FederationError(
                f"expected {cohorts.config.cohort} online whose keys for sums are registered, among whom a cohort "
                f"differs by {cohorts.config.least_summed} from each that was summed before; found "
                f"{len(among(self._exchange.online()))} online"
            )
        self._together[group] = frozenset(member.party for member in drawn)
        return drawn

    def _left_out(self) -> dict[str, tuple[Outcome, str]]:
        """Who is online and not asked, and why."""
        asked_parties = {party for coordinator in self._coordinators.values() for party in coordinator.parties}
        places = self._registered.roster.places
        there = sorted(set(self._exchange.online()) - asked_parties)
        return {name: ("declined", LEFT_OUT if name in places else NO_SUM_KEY) for name in there}

    def _set_up_without(self, declined: set[str], group: str, failed: Coordinator) -> bool:
        """Whether a set-up that failed is made anew at once, without those who declined in it."""
        left = [member for member in self._groups[group].members if member.party in set(failed.parties) - declined]
        if failed.stage != "over" or not 1 < len(left) < len(failed.parties):
            return False
        self._coordinators[group] = Coordinator.of(Roster.of(left), failed.terms, self._draw(KEY))
        return True

    def _begin_sums(self, summand: Summand, done: Mapping[str, SumResult]) -> None:
        for _group, coordinator in self._under_way(done):
            if coordinator.stage == "ready":
                coordinator.begin(summand.terms(coordinator.parties))

    def _stage(self, stage: str, summand: Summand, total: Answers[None], done: dict[str, SumResult]) -> None:
        """Ask the groups that are in it, take the answers, go on to their next; a group of too few answers fails."""
        has_work, heads = stage == "mask", summand.heads
        groups = {group: coordinator for group, coordinator in self._under_way(done) if coordinator.stage == stage}
        outgoing = {
            party: (group, message)
            for group, coordinator in groups.items()
            for party, message in coordinator.outgoing().items()
            if party in self._together[group]
        }

        introductions = self._introductions(outgoing) if stage == "keys" else b""

        def seen(party: str) -> tuple[str, bytes, str]:
            return (*outgoing[party], heads.seal(party) if has_work and heads else "")

        def written(sent: Any, about: tuple[str, bytes, str]) -> Any:
            group, message, seal = about
            work = summand.work(sent, groups[group].parties) if has_work else None
            return encode_task(SumTask.of(self._run, summand.number, message, work, introductions, seal))

        question: Question[SumReply] = Question(
            message_type=SUM_TYPE,
            round=summand.number,
            stage=stage,
            encoder=summand.encoder if has_work else None,
            platforms=frozenset(outgoing),
            is_short=not has_work,
            seen=seen,
            write=written,
            screen=lambda content: screen_sum(content, summand.number),
        )
        answers = self._exchange.ask(question)
        for name, reply in answers.replies.items():
            try:
                groups[outgoing[name][0]].take(name, reply.answer)
                if heads and reply.ledger:
                    heads.saw(name, reply.ledger)
            except WireError as error:
                answers.outcomes[name] = "dropped", str(error)
        answers.outcomes = {**dict.fromkeys(outgoing, ("missing", "")), **answers.outcomes}
        total.add(answers)
        self._close(groups, set(answers.others["declined"]), done)

    def _introductions(self, parties: Collection[str]) -> bytes:
        """Of all that are registered; of a cohort alone, where one is drawn."""
        return self._registered.introductions if self._cohorts is None else self._registered.introducing(parties)

    def _close(self, groups: Mapping[str, Coordinator], declined: set[str], done: dict[str, SumResult]) -> None:
        """End the stage of these groups."""
        for group, coordinator in groups.items():
            was_last = coordinator.stage == SUMMED[-1]
            try:
                coordinator.close()
                self._remember(coordinator)
            except SumFailed as error:
                if not self._set_up_without(declined, group, coordinator):
                    self._failed[group] = str(error)
            if coordinator.result is not None and was_last and group not in self._failed:
                done[group] = coordinator.result

    def _remember(self, coordinator: Coordinator) -> None:
        """Before platforms are asked to agree to a bare sum of a set that they may open."""
        members = [member for member in self._registered.roster.members if member.party in coordinator.missing]
        if coordinator.stage == "agree" and coordinator.is_bare and self._registered.summed.may_be_summed(members):
            self._registered.summed.add(members)

    def _keep(self, which: str) -> None:
        """Where nothing has changed, it stands there already."""
        states = {group: coordinator.to_bytes() for group, coordinator in self._coordinators.items()}
        reached = Reached(which=which, states=states, failed=dict(self._failed))
        if reached != self._reached:
            self._kept.keep(reached)
            self._reached = reached
