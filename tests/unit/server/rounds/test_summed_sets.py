"""Which platforms a masked run takes, so that no set differs by a few from one that was summed before."""

from dataclasses import dataclass, field

import pytest

from server.rounds.kept_sums import NOT_KEPT
from server.rounds.sum_exchange import SumExchange
from server.rounds.sum_roster import LEFT_OUT, NO_SUM_KEY, SumRoster, introduced_text, roster_of
from server.rounds.summed_sets import SummedSets
from shared.errors import CheckpointError, ConfigError, FederationError
from shared.secure_sum.apart import MOST_SETS
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.introduction import read_introductions
from shared.secure_sum.roster import Roster
from shared.secure_sum.terms import SetupTerms
from tests.secure_sum_world import member
from tests.unit.shared.secure_sum.test_introduction import introduced

NAMES = "abcdefgh"


def of(names: str) -> frozenset:
    return frozenset(member(name) for name in names)


@dataclass
class Online:
    """Stands for an exchange: who is online at each look, the last for ever."""

    looks: list[str]
    cohort: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)

    def online(self) -> tuple[str, ...]:
        return tuple(self.looks[0])

    def wait_for_platforms(self) -> dict[str, int]:
        self.seen.append(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])
        return {name: number for number, name in enumerate(self.seen[-1]) if not self.cohort or name in self.cohort}

    def wait_for(self, choose):
        found = choose(self.wait_for_platforms())
        while found is None and len(self.looks) > 1:
            found = choose(self.wait_for_platforms())
        return found


def chosen(sets: SummedSets, *looks: str, registered: str = "abcd", **exchange) -> str:
    roster = SumRoster(roster=Roster.of(of(registered)), summed=sets)
    found = SumExchange(Online(list(looks), **exchange), roster, {"all": roster.roster}, "run", NOT_KEPT, {}).chosen()
    return "".join(sorted(one.party for one in found))


def remembered(*sets: str) -> SummedSets:
    made = SummedSets()
    for one in sets:
        made.add(of(one))
    return made


@pytest.mark.parametrize(
    ("before", "registered", "looks", "taken"),
    [
        ((), "abcd", ["abcd"], "abcd"),
        ((), "abcd", ["abc", "abcd"], "abcd"),
        ((), "abcd", ["abc"], "abc"),
        (("abc",), "abcd", ["abcd"], "abc"),
        (("abc",), "abcdef", ["abcdef"], "abcdef"),
        (("abc",), "abcdef", ["abcde"], "abc"),
        (("abcd", "efgh"), "abcde", ["abcde"], "abcd"),
        (("abcd", "abcdefg"), "abcdefgh", ["abcdefgh"], "abcdefg"),
        (("abcd", "abcdefg"), "abcdefgh", ["abcdh"], "abcd"),
    ],
    ids=[
        "first",
        "waits for all",
        "all that came",
        "one more",
        "three more",
        "two of three came",
        "not of others",
        "newest",
        "older one",
    ],
)
def test_takes_all_or_a_set_of_before(before, registered, looks, taken) -> None:
    assert chosen(remembered(*before), *looks, registered=registered) == taken


def test_takes_no_more_than_the_cohort() -> None:
    assert chosen(remembered("abc"), "abcdef", registered="abcdef", cohort=("a", "b", "c")) == "abc"


def test_says_who_is_missing_and_what_would_answer_it() -> None:
    said = "found that d is missing; e is new; wait for d, or add noise"
    with pytest.raises(FederationError, match=said):
        chosen(remembered("abcd"), "abce", registered="abcde")


def test_sets_differ_by_as_many_as_the_run_asks_for() -> None:
    made = SummedSets(least=5)
    made.add(of("abcd"))
    assert made.choice(of("abcdefgh")) == of("abcd")
    assert made.choice(of("abcdefghi")) == of("abcdefghi")
    with pytest.raises(FederationError, match=r"hide who sent what \(5\)"):
        raise made.dead_end(of("abc"))


def test_asks_for_no_new_set_where_platforms_have_no_room_to_remember_it() -> None:
    made = SummedSets()
    for number in range(MOST_SETS):
        made.add(of("abc") if not number else [member(f"{name}{number}") for name in "xyz"])
    assert made.choice(of("abcdef")) == of("abc")


def test_a_changed_key_is_another_platform() -> None:
    sets = SummedSets()
    sets.add([*of("ab"), member("c", "other key")])
    with pytest.raises(FederationError, match="found that c has another key; add noise"):
        chosen(sets, "abc", registered="abc")


def test_says_who_is_online_and_left_out_and_why() -> None:
    roster = SumRoster(roster=Roster.of(of("abcd")), summed=remembered("abc"))
    sums = SumExchange(Online(["abcdx"]), roster, {"all": roster.roster}, "run", NOT_KEPT, {})
    members = Roster.of(sums.chosen())
    sums._coordinators["all"] = Coordinator.of(members, SetupTerms(sums=1), bytes(32))
    assert sums._left_out() == {"d": ("declined", LEFT_OUT), "x": ("declined", NO_SUM_KEY)}


def test_remembers_in_a_file_the_newest_last(tmp_path) -> None:
    made = SummedSets(tmp_path / "sets.json")
    for names in ("abc", "defg", "abc", "abc"):
        made.add(of(names))
    assert SummedSets(tmp_path / "sets.json").sets() == (of("defg"), of("abc"))


@pytest.mark.parametrize("content", ["{", '{"format": "other", "sets": []}', '{"format": "graft-summed-sets/1"}'])
def test_names_a_damaged_file(tmp_path, content) -> None:
    (tmp_path / "sets.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"sets\.json: .* put it back from a backup, or delete it"):
        SummedSets(tmp_path / "sets.json").sets()


def test_introductions_come_back_from_a_run_config() -> None:
    listed = [introduced("north", 7), introduced("south", 8)]
    found = roster_of(introduced_text(listed))
    assert read_introductions(found.introductions) == tuple(listed)
    assert found.roster.members == tuple(one.member for one in listed)
    assert introduced_text(listed[:1]) == ""


def test_introductions_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ConfigError, match="roster must be a JSON object"):
        roster_of('{"a": {"key": 3}, "b": {"key": 4}}')
