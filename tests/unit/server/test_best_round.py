"""Which of several evaluated encoders counts as the best."""

import numpy as np
import pytest

from server.best_round import best_record, is_best_yet
from server.run_state import RoundRecord


def evaluation(number: int, figures: dict[str, float], *, best: bool = True) -> RoundRecord:
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
            "best": best,
            "validation": {name: {"both": value} for name, value in figures.items()},
        }
    )


def is_better(now: dict[str, float], before: dict[str, float], weights: dict[str, float] | None = None) -> bool:
    found = {name: {"both": value} for name, value in now.items()}
    return is_best_yet(found, [evaluation(1, before)], weights or {})


def test_the_first_that_is_evaluated_is_the_best() -> None:
    assert is_best_yet({"a": {"both": 0.1}}, [], {})
    assert is_best_yet({"a": {"both": 0.1}}, [evaluation(0, {}, best=False)], {})


@pytest.mark.parametrize(
    ("now", "before", "better"),
    [
        ({"a": 0.11, "b": 0.10}, {"a": 0.10, "b": 0.10}, True),
        ({"a": 0.09, "b": 0.10}, {"a": 0.10, "b": 0.10}, False),
        ({"a": 0.10, "b": 0.10}, {"a": 0.10, "b": 0.10}, True),
        ({"a": 0.012, "b": 0.36}, {"a": 0.010, "b": 0.40}, True),
        ({"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.1}, False),
        ({"a": 0.2}, {"b": 0.9}, True),
        ({"a": 0.1, "b": 0.0}, {"a": 0.2, "c": 0.1}, False),
    ],
    ids=["up", "down", "equal", "by its own level", "zero", "nobody twice", "who answered twice"],
)
def test_compares_platforms_with_themselves(now, before, better) -> None:
    assert is_better(now, before) is better


def test_a_platform_counts_by_its_weight() -> None:
    now, before = {"a": 0.12, "b": 0.08}, {"a": 0.10, "b": 0.10}
    assert is_better(now, before, {"a": 1.0, "b": 0.5})
    assert not is_better(now, before, {"a": 0.5, "b": 1.0})
    assert not is_better(now, before, {"a": 0.0})


def test_says_so_in_a_plain_truth_value_whatever_kind_of_number_a_weight_is() -> None:
    assert is_best_yet({"a": {"both": 0.2}}, [evaluation(1, {"a": 0.1})], {"a": np.float64(0.5)}) is True


def test_the_last_that_was_best_is_the_one_to_beat() -> None:
    history = [evaluation(0, {"a": 0.1}), evaluation(1, {"a": 0.3}), evaluation(2, {"a": 0.2}, best=False)]
    assert best_record(history) is history[1]
    assert not is_best_yet({"a": {"both": 0.25}}, history, {})
