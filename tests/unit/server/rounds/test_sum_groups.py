import pytest

from server.rounds.sum_groups import ALL, group_words, groups_of

NAMES = [f"shop{number}" for number in range(16)]


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(16, 0, [16]), (16, 3, [4, 3, 3, 3, 3]), (16, 8, [8, 8]), (16, 9, [16]), (6, 3, [3, 3]), (5, 3, [5])],
)
def test_groups_are_as_alike_as_can_be_and_none_is_smaller_than_asked(count, size, expected) -> None:
    found = groups_of(NAMES[:count], size)
    assert sorted(map(len, found.values()), reverse=True) == expected
    assert sorted(name for members in found.values() for name in members) == sorted(NAMES[:count])
    assert (list(found) == [ALL]) == (len(expected) == 1)


def test_the_same_platforms_are_in_the_same_groups_in_whatever_order_they_come() -> None:
    assert groups_of(reversed(NAMES), 3) == groups_of(NAMES, 3)


def test_who_is_in_which_does_not_follow_the_order_of_names() -> None:
    assert any(
        list(members) != NAMES[3 * place : 3 * place + 3] for place, members in enumerate(groups_of(NAMES, 3).values())
    )


def test_groups_of_before_stay_and_who_came_since_waits_until_there_are_enough() -> None:
    before = groups_of(NAMES[:7], 3)
    sets = [set(members) for members in before.values()]
    assert {tuple(one) for one in groups_of(NAMES[:9], 3, sets=sets).values()} == set(before.values())
    assert sorted(groups_of(NAMES[:10], 3, sets=sets).values()) == sorted([*before.values(), tuple(NAMES[7:10])])


def test_of_sets_that_share_platforms_the_newest_stays() -> None:
    newest, older = {"shop0", "shop1", "shop2"}, {"shop2", "shop3", "shop4"}
    found = groups_of(NAMES[:6], 3, sets=[newest, older])
    assert sorted(found.values()) == [("shop0", "shop1", "shop2"), ("shop3", "shop4", "shop5")]


@pytest.mark.parametrize("earlier", [NAMES[:2], NAMES[:6], [*NAMES[:2], "gone"]])
def test_a_set_that_is_no_group_of_today_is_not_taken(earlier) -> None:
    assert groups_of(NAMES[:6], 3, sets=[earlier]) == groups_of(NAMES[:6], 3)


def test_a_run_that_goes_on_has_the_groups_that_it_had_by_their_names() -> None:
    known = {"group-2": {"shop0", "shop1", "shop2"}}
    found = groups_of(NAMES[:6], 3, known=known, sets=[{"shop2", "shop3", "shop4"}])
    assert found == {"group-2": ("shop0", "shop1", "shop2"), "group-1": ("shop3", "shop4", "shop5")}


def test_names_a_group_and_its_members() -> None:
    assert group_words("group-2", ("a", "b")) == "group-2 (a, b)"
