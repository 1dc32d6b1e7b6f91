"""Which of several evaluated encoders a run may keep."""

from dataclasses import replace

import numpy as np
import pytest

from server.rounds.run_state import SLIGHTLY, RoundRecord, may_be_kept, passed_over_words


def evaluation(number: int, figures: dict[str, float]) -> RoundRecord:
    return RoundRecord.from_json(
        {
            **{name: {} for name in ("losses", "declined", "failed", "dropped", "cosines", "weights")},
            "kind": "evaluate",
            "round": number,
            "seconds": 1.0,
            "bytes_down": 0,
            "bytes_up": 0,
            "note": "",
            "platforms": list(figures),
            "missing": [],
            "kept": True,
            "validation": {name: {"both": value} for name, value in figures.items()},
        }
    )


def may_follow(now: dict[str, float], *before: dict[str, float], weights: dict[str, float] | None = None) -> bool:
    found = {name: {"both": value} for name, value in now.items()}
    return may_be_kept(found, [evaluation(number, one) for number, one in enumerate(before)], weights or {})


def test_the_first_that_is_evaluated_may_be_kept() -> None:
    assert may_follow({"a": 0.1})
    assert may_follow({"a": 0.1}, {})


@pytest.mark.parametrize(
    ("now", "before", "may"),
    [
        ({"a": 0.11, "b": 0.10}, {"a": 0.10, "b": 0.10}, True),
        ({"a": 0.10, "b": 0.10}, {"a": 0.10, "b": 0.10}, True),
        ({"a": 0.095, "b": 0.095}, {"a": 0.10, "b": 0.10}, True),
        ({"a": 0.085, "b": 0.085}, {"a": 0.10, "b": 0.10}, False),
        ({"a": 0.012, "b": 0.28}, {"a": 0.010, "b": 0.40}, True),
        ({"a": 0.005, "b": 0.44}, {"a": 0.010, "b": 0.40}, False),
        ({"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.1}, False),
        ({"a": 0.2}, {"b": 0.9}, True),
        ({"a": 0.1, "b": 0.0}, {"a": 0.2, "c": 0.1}, False),
    ],
    ids=["up", "equal", "a little down", "down", "by own level", "half of one", "zero", "nobody twice", "who did both"],
)
def test_compares_platforms_with_themselves(now, before, may) -> None:
    assert may_follow(now, before) is may


def test_a_platform_counts_by_its_weight() -> None:
    now, before = {"a": 0.10, "b": 0.05}, {"a": 0.10, "b": 0.10}
    assert not may_follow(now, before)
    assert may_follow(now, before, weights={"a": 1.0, "b": 0.1})
    assert may_follow(now, before, weights={"a": 0.0, "b": 0.0})


def test_one_platform_alone_neither_saves_nor_fells_a_round() -> None:
    before = {"a": 0.10, "b": 0.10, "c": 0.10, "liar": 0.0}
    assert not may_follow({"a": 0.08, "b": 0.08, "c": 0.08, "liar": 1.0}, before)
    assert may_follow({"a": 0.10, "b": 0.10, "c": 0.10, "liar": 0.0}, {**before, "liar": 1.0})


def test_names_whose_replies_made_a_round_that_is_passed_over() -> None:
    made = replace(evaluation(1, {}), kind="train", platforms=("a", "b", "c"), weights={"a": 1.0, "b": 0.0, "c": 0.5})
    assert (
        "passed over: more than 10 % worse than one before, on the platforms' own answers; made by a, c"
        in passed_over_words([made, evaluation(1, {"a": 0.1})])
    )


def test_many_small_steps_down_are_one_large_one() -> None:
    assert may_follow({"a": 0.28}, {"a": 0.30}, {"a": 0.29})
    assert not may_follow({"a": 0.26}, {"a": 0.30}, {"a": 0.29}, {"a": 0.28}, {"a": 0.27})


def test_where_nobody_can_be_left_out_a_hundredth_is_too_much() -> None:
    before = [evaluation(0, {"a": 0.300})]
    slightly, within = {"a": {"both": 0.295}}, {"a": {"both": 0.298}}
    assert may_be_kept(slightly, before, {})
    assert not may_be_kept(slightly, before, {}, worse_by=SLIGHTLY)
    assert may_be_kept(within, before, {}, worse_by=SLIGHTLY)


def test_says_so_in_a_plain_truth_value_whatever_kind_of_number_a_weight_is() -> None:
    assert may_follow({"a": 0.2}, {"a": 0.1}, weights={"a": np.float64(0.5)}) is True


GROUPS = {"group-1": ("a", "b", "c"), "group-2": ("d", "e", "f")}


def test_a_group_is_compared_with_itself_as_long_as_the_same_are_in_it() -> None:
    before = replace(evaluation(0, {"group-1": 0.3, "group-2": 0.3}), groups=GROUPS)
    found = {"group-1": {"both": 0.2}, "group-2": {"both": 0.31}}
    assert not may_be_kept({"group-1": found["group-1"]}, [before], {}, groups=GROUPS)
    assert may_be_kept({"group-2": found["group-2"]}, [before], {}, groups=GROUPS)
    assert may_be_kept({"group-1": found["group-1"]}, [before], {}, groups={**GROUPS, "group-1": ("a", "b")})


def test_names_the_groups_that_made_a_round_and_who_is_in_them() -> None:
    weights = {"group-1": 3.0, "group-2": 0.0}
    made = replace(evaluation(1, {}), kind="train", platforms=tuple("abcdef"), groups=GROUPS, weights=weights)
    assert passed_over_words([made]).endswith("own answers; made by group-1 (a, b, c)")


def test_groups_are_written_and_read_back() -> None:
    record = replace(evaluation(1, {}), groups=GROUPS)
    assert RoundRecord.from_json(record.to_json()) == record
    old = {name: value for name, value in record.to_json().items() if name != "groups"}
    assert RoundRecord.from_json(old).groups == {}
