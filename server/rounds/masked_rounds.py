"""Rounds of a masked run: what platforms answer comes in sums, one a group, and nothing else of them is seen.

A sum holds what is asked of one encoder: what it is worth, and what training makes of it. So the order is: sum 0 the
moments, and the worth of the encoder that the run starts from; sum n what round n trains, and the worth of what round
n - 1 left; the last sum the worth of what the last round left. Where cohorts are drawn, each sum holds the moments of
its own cohort, and nothing is evaluated.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.aggregation.robust_sum import LEAST_PLATFORMS
from server.aggregation.size_classes import SizeClasses
from server.rounds.drawn_cohorts import DrawnCohorts
from server.rounds.exchange import Answers, Exchange
from server.rounds.kept_sums import KeptSums
from server.rounds.known_heads import KnownHeads
from server.rounds.run_state import RunState
from server.rounds.sum_exchange import SumExchange, Summand, Summed
from server.rounds.sum_groups import ALL, group_words, groups_of
from server.rounds.sum_parts import GroupSum
from server.rounds.sum_roster import SumRoster
from shared.errors import ConfigError
from shared.federation.config import KRUM_PLATFORMS, RoundsConfig
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.sum_weights import capped
from shared.secure_sum.roster import Member, Roster

_NEEDED = {"agreement": LEAST_PLATFORMS, "multi-krum": KRUM_PLATFORMS, "none": 1}
"""groups below which a rule can leave none out"""


@dataclass(frozen=True, kw_only=True)
class NextSum:
    """What is summed next."""

    number: int
    parts: tuple[SumPart, ...]


def next_sum(config: RoundsConfig, state: RunState) -> NextSum | None:
    """The sum after what the state holds.

    Args:
        config: of the run.
        state: what the run has reached.

    Returns:
        Its number and parts; None where the run is at its end.
    """
    judged: tuple[SumPart, ...] = ("evaluate",) if config.evaluate_every else ()
    if config.cohort and state.round < config.training_rounds:
        return NextSum(number=state.round + 1, parts=("moments", "train") if config.moments else ("train",))
    if config.moments and not any(record.kind == "moments" for record in state.history):
        return NextSum(number=0, parts=("moments", *judged))
    if state.round < config.training_rounds:
        return NextSum(number=state.round + 1, parts=("train", *judged))
    is_judged = bool(state.history) and state.history[-1].kind == "evaluate"
    return NextSum(number=state.round + 1, parts=judged) if judged and not is_judged else None


def sums_left(config: RoundsConfig, state: RunState) -> int:
    """How many sums the run still makes.

    Args:
        config: of the run.
        state: what the run has reached.

    Returns:
        The number of training rounds to come, one more for the last evaluation where encoders are evaluated, and one
        more for moments that are yet to be asked for.
    """
    if config.cohort and config.training_rounds:
        return config.training_rounds - state.round
    to_come = config.training_rounds - state.round + (config.evaluate_every > 0)
    return to_come + (config.moments and not any(record.kind == "moments" for record in state.history))


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupAnswers:
    """What came of one sum."""

    groups: Mapping[str, GroupSum]
    """by name, whose sum did not fail"""
    answers: Answers[None]
    """who is in a sum, why others are not, bytes"""
    note: str
    """which groups are missing and why; else empty"""
    is_cohort: bool = False
    """whether they are told in numbers alone"""

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Of each group, whose vectors are in its sum."""
        return {name: group.members for name, group in self.groups.items()}

    @property
    def told(self) -> dict[str, Any]:
        """What a line of the history says of them."""
        if self.is_cohort:
            return self.answers.counted
        return {**self.answers.told, "groups": self.members}


class Sums(Protocol):
    """Where the sums of a run come from."""

    def chosen(self) -> Collection[Member]:
        """Whom the run sums over from now on; raises FederationError where there are too few."""
        ...

    def summed(self, summand: Summand) -> Summed:
        """One sum of each group; raises FederationError where the run cannot go on."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupedSums:
    """The sums of a run, and over which groups they are."""

    sums: Sums
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """by group, all that are registered; nobody, where sums are over whoever is there"""


def secure_sums(
    exchange: Exchange, config: RoundsConfig, state: RunState, registered: SumRoster | None, kept_sums: KeptSums
) -> GroupedSums:
    """Sums under masks, of platforms that are registered with keys for them.

    Args:
        exchange: asks the platforms.
        config: of the run.
        state: what the run has reached.
        registered: the platforms; None where none is registered.
        kept_sums: how far the run's sums have come.

    Returns:
        The sums.

    Raises:
        ConfigError: if no platforms are registered, or too few for the config.
        CheckpointError: if what was kept cannot be read.
    """
    if registered is None:
        raise ConfigError("a masked run needs the platforms' keys for sums (roster); found none registered")
    members = {member.party: member for member in registered.roster.members}
    known = _groups_so_far(state)
    sets = [names for summed_set in reversed(registered.summed.sets()) if (names := _names_of(summed_set, members))]
    grouped = groups_of(members, config.groups_of, known=known, sets=sets)
    if len(grouped) < _NEEDED[config.robust]:
        needed = f"where privacy is masked and robust is {config.robust}, platforms must make"
        raise ConfigError(
            f"{needed} at least {_NEEDED[config.robust]} groups of {config.groups_of} or more (groups-of); "
            f"{len(members)} make {len(grouped)}"
        )
    groups = {name: Roster.of(members[party] for party in names) for name, names in grouped.items()}
    together: dict[str, tuple[str, ...]] = {}
    for record in state.history:
        together |= record.groups
    cohorts = DrawnCohorts(config=config) if config.cohort else None
    sums = SumExchange(exchange, registered, groups, state.run, kept_sums, together, cohorts)
    return GroupedSums(sums=sums, names=grouped)


class MaskedRounds:
    """The sums of one run."""

    def __init__(
        self, exchange: Exchange, config: RoundsConfig, classes: SizeClasses, grouped: GroupedSums, heads: KnownHeads
    ) -> None:
        """For the run of these sums; ``heads`` are what was seen of privacy ledgers, where sums bear noise."""
        self._names, self._sums = grouped.names, grouped.sums
        self._exchange, self._config, self._classes, self._heads = exchange, config, classes, heads

    def cohort(self) -> tuple[str, ...]:
        """Names of the platforms that the run sums over; raises FederationError."""
        return tuple(sorted(member.party for member in self._sums.chosen()))

    def asked(self, state: RunState, upcoming: NextSum) -> GroupAnswers:
        """The sum of what is wanted of the state's encoder.

        Args:
            state: what the run has reached.
            upcoming: which sum, and what is in it.

        Returns:
            The sums by group, who is in them and why others are not, and which groups are missing.
        """
        config, keep = self._config, self._exchange.downlink_cache.keep
        settings = config.local_in(upcoming.number) if "train" in upcoming.parts else None

        def work(sent: Any, parties: tuple[str, ...]) -> SumWork:
            weights, _unit = self._weights(parties, upcoming.parts)
            return SumWork(
                run=state.run,
                round=upcoming.number,
                seed=config.seed,
                parts=upcoming.parts,
                encoder=sent,
                weights=weights,
                keep=keep,
                settings=settings,
                noise=config.cohort_noise,
            )

        summand = Summand(
            number=upcoming.number,
            encoder=state.encoder,
            work=work,
            left=sums_left(config, state),
            largest=1,
            colluding=config.colluding_platforms,
            heads=self._heads if config.cohort_noise else None,
        )
        summed = self._sums.summed(summand)
        groups = {}
        for name, result in summed.results.items():
            parties = summed.parties[name]
            weights, unit = self._weights(parties, upcoming.parts)
            parts = VectorForm.of(work(state.encoder, parties)).split(result.values)
            if settings is not None and config.cohort_noise:
                parts = {part: settings.clip_norm * numbers for part, numbers in parts.items()}
            groups[name] = GroupSum(members=result.survivors, weights=weights, unit=unit, parts=parts)
        return GroupAnswers(
            groups=groups, answers=summed.answers, note=self._missing(summed), is_cohort=self._config.cohort > 0
        )

    def _weights(self, parties: Iterable[str], parts: tuple[SumPart, ...]) -> tuple[dict[str, float], float]:
        """How much each counts, the largest 1, and what a weight of 1 stands for.

        By size class in moments, as the run's weighting says in training; none so much that the others do not hide it.
        """
        sizes = self._classes.of(parties)
        if "moments" not in parts:
            is_root = self._config.weighting == "sqrt-users"
            sizes = {name: math.sqrt(users) if is_root else 1.0 for name, users in sizes.items()}
        weights = capped(sizes, self._config.least_summed)
        unit = max(weights.values())
        return {name: weight / unit for name, weight in weights.items()}, unit

    def _missing(self, summed: Summed) -> str:
        """Which groups have no result, and why, in words."""
        if ALL in summed.failed:
            return summed.failed[ALL]
        words = [f"{group_words(group, self._names[group])} is missing: {why}" for group, why in summed.failed.items()]
        return "; ".join(words)


def _groups_so_far(state: RunState) -> dict[str, set[str]]:
    """By name, whoever was in a sum of the group."""
    known: dict[str, set[str]] = {}
    for record in state.history:
        for name, parties in record.groups.items():
            known.setdefault(name, set()).update(parties)
    return known


def _names_of(summed: Iterable[Member], members: Mapping[str, Member]) -> list[str]:
    """Of a set that was summed, where all in it are registered with the keys of then; else none."""
    listed = list(summed)
    return [member.party for member in listed] if all(members.get(member.party) == member for member in listed) else []
