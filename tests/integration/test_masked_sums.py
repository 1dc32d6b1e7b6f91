"""Masked runs in which moments and evaluations come in sums, too, beside what is trained; over the real apps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from client.rounds import sum_vectors
from client.rounds.workspace import Workspace
from server.aggregation.size_classes import SizeClasses
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.validation_levels import level_of
from tests.federation_world import LOCAL, START, federate, opened
from tests.masked_world import THREE, Killed, killed_at, rounds, timeless, without

USERS = {"shop0": 120, "shop1": 128, "shop2": 250, "shop3": 130}
FOUR = {name: opened(name, users=users, seed=seed) for seed, (name, users) in enumerate(USERS.items())}
GROUP = ("shop0", "shop5", "shop7")
"""of three of nine, drawn by their names"""
NINE = {f"shop{seed}": opened(f"shop{seed}", users=100 + seed, seed=seed) for seed in range(9)}
CLASSES = SizeClasses({"shop0": 128, "shop1": 128, "shop2": 256, "shop3": 128})
KINDS = ["evaluate", "moments", "evaluate", "train", "evaluate", "train", "evaluate"]


def whole(privacy: str = "masked", **changes) -> RoundsConfig:
    """With moments and evaluations."""
    return rounds(privacy, **{"moments": True, "evaluate_every": 1, **changes})


def in_groups(**changes) -> RoundsConfig:
    return whole(**{"groups_of": 3, "robust": "agreement", **changes})


def geometric(values) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))


@pytest.mark.parametrize(
    ("changes", "classes"),
    [({}, CLASSES), ({"weighting": "sqrt-users"}, CLASSES), ({}, SizeClasses())],
    ids=["by class", "by the root of users", "without classes"],
)
def test_the_encoder_is_that_of_plain_rounds_with_moments_and_evaluations(tmp_path, changes, classes) -> None:
    local = replace(LOCAL, encoder_rate=0.01)
    plain = federate(tmp_path / "plain", FOUR, whole("plain", local=local, **changes), classes=classes)
    masked = federate(tmp_path / "masked", FOUR, whole(local=local, **changes), classes=classes)
    found = [(one["kind"], one["round"], one["platforms"], one["kept"]) for one in masked.history]
    assert found == [(one["kind"], one["round"], one["platforms"], one["kept"]) for one in plain.history]
    assert [one["kind"] for one in masked.history] == KINDS
    assert all(one["groups"] == {"all": sorted(FOUR)} and not one["note"] for one in masked.history)
    assert np.abs(plain.encoder.linear().W).max() > 0.1
    assert pytest.approx(plain.encoder.linear().W, abs=1e-6) == masked.encoder.linear().W
    assert masked.encoder.flat == pytest.approx(plain.encoder.flat, abs=1e-5)
    for one, other in zip(masked.history, plain.history, strict=True):
        told = [parts["both"] for parts in other["validation"].values()]
        assert not told or one["validation"]["all"]["both"] == pytest.approx(geometric(told), rel=0.02)


def test_what_moments_weigh_together_is_what_they_weigh_in_plain_rounds(tmp_path) -> None:
    plain = federate(tmp_path / "plain", FOUR, whole("plain", rounds=0), classes=CLASSES)
    masked = federate(tmp_path / "masked", FOUR, whole(rounds=0), classes=CLASSES)
    counted = CLASSES.counted(plain.moments)
    (all_of_them,) = masked.moments.values()
    assert all_of_them.n == pytest.approx(sum(one.n for one in counted.values()), rel=1e-12)
    assert all_of_them.to_flat() == pytest.approx(sum(one.to_flat() for one in counted.values()), abs=1e-4)


def test_a_sum_holds_what_is_evaluated_and_what_is_trained(tmp_path) -> None:
    found = federate(tmp_path, FOUR, whole(rounds=1))
    moving = [(one["kind"], one["bytes_up"] > 0) for one in found.history]
    assert moving == [
        ("evaluate", False),
        ("moments", True),
        ("evaluate", False),
        ("train", True),
        ("evaluate", True),
    ]
    (_moments, training) = found.rounds()
    assert (training["kind"], training["kept"], list(training["validation"])) == ("training", True, ["all"])


@pytest.mark.parametrize(("number", "stage"), [(0, "mask"), (0, "agree"), (0, "open"), (3, "agree"), (3, "open")])
def test_a_sum_without_training_goes_on_without_one_who_drops_out(tmp_path, number, stage) -> None:
    apps = without(stage, "shop1", FOUR, number=number)
    found = federate(tmp_path, FOUR, whole(), apps=apps)
    was_in = stage != "mask"
    asked = found.history[1] if number == 0 else found.history[-1]
    assert asked["platforms"] == sorted(set(FOUR) - (set() if was_in else {"shop1"}))
    assert all(not one["note"] for one in found.history)


def test_a_last_sum_that_fails_leaves_the_encoder_of_before(tmp_path) -> None:
    found = federate(tmp_path, FOUR, whole(), apps=without("mask", "shop1", FOUR, number=3))
    assert [one["kept"] for one in found.history if one["kind"] == "evaluate"] == [True, True, True, False]
    assert "ends without a result" in found.history[-1]["note"]
    before = federate(tmp_path / "before", FOUR, whole(rounds=1, learning_rate_decay=1.0))
    assert found.encoder.flat == pytest.approx(before.encoder.flat, abs=1e-3)


def test_a_platform_that_declines_keys_is_left_out_at_once(tmp_path) -> None:
    shops = {**FOUR, "small": opened("small", users=20)}
    found = federate(tmp_path, shops, whole(rounds=0))
    assert found.history[1]["platforms"] == sorted(FOUR)
    assert found.history[1]["declined"] == {"small": "too-few-users"}


def test_a_run_ends_with_the_same_bytes_wherever_it_was_killed(tmp_path) -> None:
    undisturbed = federate(tmp_path / "undisturbed", THREE, whole(rounds=1))
    for stage in (1, 2, 4, 5, 7, 8, 10):
        place = 3 * stage + stage % 3
        folder = tmp_path / f"killed-{place}"
        with pytest.raises(Killed):
            federate(folder, THREE, whole(rounds=1), apps=killed_at(place), resume=True)
        again = federate(folder, THREE, whole(rounds=1), resume=True)
        assert again.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
        assert timeless(again.history) == timeless(undisturbed.history)


Change = Callable[[str, int, np.ndarray], np.ndarray]
"""Gets a platform's name, the sum's number and the platform's own numbers, and gives those that it sums instead"""


def summing(monkeypatch, part: SumPart, changed: Change) -> None:
    """Platforms whose guard lets through other numbers than their own."""
    real = sum_vectors.PARTS[part]

    def numbers(work: SumWork, workspace: Workspace) -> np.ndarray:
        return changed(workspace.platform.name, work.round, real(work, workspace))

    monkeypatch.setitem(sum_vectors.PARTS, part, numbers)


def judged(monkeypatch, values: Mapping[str, Sequence[float]]) -> None:
    """Encoders are worth to platforms what is given here, by name and by the sum's number."""

    def changed(name: str, number: int, _own: np.ndarray) -> np.ndarray:
        return np.array([0.0, 0.0, level_of(values[name][number]), 0.0, 0.0, 1.0])

    summing(monkeypatch, "evaluate", changed)


def test_a_round_that_is_passed_over_is_undone_and_what_was_trained_from_it_is_dropped(tmp_path, monkeypatch) -> None:
    alone = federate(tmp_path / "one", THREE, whole(rounds=1, learning_rate_decay=1.0))
    judged(monkeypatch, dict.fromkeys(THREE, (0.2, 0.3, 0.4, 0.1, 0.2)))
    found = federate(tmp_path / "found", THREE, whole(rounds=3, learning_rate_decay=1.0))
    kept = [(one["round"], one["kept"]) for one in found.history if one["kind"] == "evaluate"]
    assert kept == [(0, True), (0, True), (1, True), (2, False), (3, False)]
    passed_over, dropped = found.history[6:8]
    assert passed_over["note"].startswith("passed over: more than 1 % worse")
    assert "made by all (shop0, shop1, shop2)" in passed_over["note"]
    assert (dropped["kind"], dropped["round"]) == ("train", 3)
    assert "what was trained from the encoder that is passed over is dropped" in dropped["note"]
    assert found.encoder.flat.tobytes() == alone.encoder.flat.tobytes()


def test_the_round_after_one_that_was_undone_trains_from_the_kept_encoder(tmp_path, monkeypatch) -> None:
    federate(tmp_path / "warm", THREE, whole(rounds=1))
    judged(monkeypatch, dict.fromkeys(THREE, (0.2, 0.3, 0.1, 0.3, 0.3)))
    found = federate(tmp_path / "found", THREE, whole(rounds=3, aggregation="fedavgm"))
    notes = [one["note"] for one in found.history if one["kind"] == "train"]
    assert [bool(note) for note in notes] == [False, True, False]
    kept = [(one["round"], one["kept"]) for one in found.history if one["kind"] == "evaluate"]
    assert kept == [(0, True), (0, True), (1, False), (2, True), (3, True)]


def test_a_round_that_is_worse_by_two_hundredths_is_undone(tmp_path, monkeypatch) -> None:
    judged(monkeypatch, dict.fromkeys(THREE, (0.2, 0.3, 0.294)))
    found = federate(tmp_path, THREE, whole(rounds=1))
    assert [one["kept"] for one in found.history if one["kind"] == "evaluate"] == [True, True, False]


def test_moments_that_make_the_encoder_worse_are_undone(tmp_path, monkeypatch) -> None:
    judged(monkeypatch, dict.fromkeys(THREE, (0.3, 0.1, 0.3)))
    found = federate(tmp_path, THREE, whole(rounds=1))
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    assert [one["kept"] for one in found.history if one["kind"] == "evaluate"] == [True, False, True]


def test_a_run_that_was_killed_after_an_encoder_was_passed_over_ends_with_the_same_bytes(tmp_path, monkeypatch) -> None:
    judged(monkeypatch, dict.fromkeys(THREE, (0.2, 0.3, 0.1, 0.3, 0.3)))
    changes = {"rounds": 3, "aggregation": "fedavgm"}
    undisturbed = federate(tmp_path / "undisturbed", THREE, whole(**changes))
    for stage in (8, 10, 11):
        folder = tmp_path / f"killed-{stage}"
        with pytest.raises(Killed):
            federate(folder, THREE, whole(**changes), apps=killed_at(3 * stage + 1), resume=True)
        again = federate(folder, THREE, whole(**changes), resume=True)
        assert again.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
        assert timeless(again.history) == timeless(undisturbed.history)


def test_a_platform_that_is_easy_to_please_counts_no_more_than_another(tmp_path, monkeypatch) -> None:
    values = {"shop0": [0.8, 0.82], "shop1": [0.01, 0.007], "shop2": [0.01, 0.007]}
    judged(monkeypatch, values)
    found = federate(tmp_path, THREE, whole(rounds=0))
    first, _moments, second = found.history
    assert first["validation"]["all"]["both"] == pytest.approx(geometric(one[0] for one in values.values()), rel=1e-2)
    assert not second["kept"]


def test_a_platform_that_tells_no_validation_does_not_count_in_it(tmp_path, monkeypatch) -> None:
    plain = federate(tmp_path / "plain", THREE, whole("plain", rounds=0, moments=False))

    def changed(name: str, _number: int, own: np.ndarray) -> np.ndarray:
        return np.zeros(6) if name == "shop1" else own

    summing(monkeypatch, "evaluate", changed)
    found = federate(tmp_path / "found", THREE, whole(rounds=0, moments=False))
    told = [parts["both"] for name, parts in plain.history[0]["validation"].items() if name != "shop1"]
    assert found.history[0]["validation"]["all"]["both"] == pytest.approx(geometric(told), rel=1e-3)


def test_groups_are_summed_apart_and_come_to_the_encoder_of_plain_rounds(tmp_path) -> None:
    plain = federate(tmp_path / "plain", NINE, whole("plain"))
    found = federate(tmp_path / "found", NINE, in_groups(robust="none"))
    groups = found.history[0]["groups"]
    assert list(groups) == ["group-1", "group-2", "group-3"]
    assert sorted(name for members in groups.values() for name in members) == sorted(NINE)
    assert found.history[3]["weights"] == dict.fromkeys(groups, 3.0)
    assert set(found.history[3]["cosines"]) == set(groups)
    assert found.encoder.flat == pytest.approx(plain.encoder.flat, abs=1e-5)


@pytest.mark.parametrize("stage", ["keys", "mask"])
def test_a_group_whose_sum_fails_is_missing_and_the_others_go_on(tmp_path, stage) -> None:
    config = in_groups(robust="none", moments=False, evaluate_every=0)
    found = federate(tmp_path, NINE, config, apps=without(stage, "shop0", NINE))
    first, second = found.history
    what = "a set-up of sums" if stage == "keys" else "a sum"
    assert f"({', '.join(GROUP)}) is missing: {what} ends without a result" in first["note"]
    assert first["platforms"] == sorted(set(NINE) - set(GROUP))
    assert (second["note"], len(second["groups"])) == ("", 3)


def test_a_group_that_pulls_against_the_others_is_left_out_and_named(tmp_path, monkeypatch) -> None:
    def changed(name: str, _number: int, own: np.ndarray) -> np.ndarray:
        return -10 * own if name == "shop4" else own

    summing(monkeypatch, "train", changed)
    found = federate(tmp_path, NINE, in_groups(moments=False))
    for one in found.history:
        if one["kind"] == "train":
            (group,) = one["held_back"]
            assert "shop4" in one["groups"][group]
            assert one["weights"][group] == 0 or "cut" in one["held_back"][group]


def test_moments_that_no_platforms_have_leave_their_group_out(tmp_path, monkeypatch) -> None:
    def changed(name: str, _number: int, own: np.ndarray) -> np.ndarray:
        return np.ones_like(own) if name == "shop4" else own

    summing(monkeypatch, "moments", changed)
    found = federate(tmp_path, NINE, in_groups(rounds=0))
    ((group, why),) = found.history[1]["held_back"].items()
    assert why.startswith("left out: ")
    assert "shop4" in found.history[1]["groups"][group]
    assert set(found.moments) == {"group-1", "group-2", "group-3"} - {group}


def test_evaluations_that_no_platforms_have_leave_their_group_out(tmp_path, monkeypatch) -> None:
    def changed(name: str, _number: int, own: np.ndarray) -> np.ndarray:
        return np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]) if name == "shop4" else own

    summing(monkeypatch, "evaluate", changed)
    found = federate(tmp_path, NINE, in_groups(rounds=0, moments=False))
    (one,) = found.history
    ((group, why),) = one["held_back"].items()
    assert why == "left out: the sum of evaluations is not one of so many NDCG@10 between 0 and 1"
    assert set(one["validation"]) == set(one["groups"]) - {group}


@pytest.mark.parametrize(("robust", "needed"), [("agreement", 3), ("multi-krum", 5)])
def test_a_rule_that_leaves_groups_out_needs_enough_of_them(tmp_path, robust, needed) -> None:
    config = whole(groups_of=5, robust=robust, min_platforms=5)
    expected = f"robust is {robust}, platforms must make at least {needed} groups of 5 or more .groups-of.; 9 make 1"
    with pytest.raises(ConfigError, match=expected):
        federate(tmp_path, NINE, config)
