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


def test_names_a_group_and_its_members() -> None:
    assert group_words("group-2", ("a", "b")) == "group-2 (a, b)"
