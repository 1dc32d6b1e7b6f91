"""What result.json and per_user.parquet hold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.evaluation.beyond_accuracy import ListQuality
from shared.errors import DataError, GraftError
from simulations.results.outcomes import (
    ColdStart,
    ContributionOutcome,
    EncoderSummary,
    MethodOutcome,
    PlatformSummary,
    RoundOutcome,
    RunResult,
    StudentSummary,
    TradeOff,
)
from simulations.results.result_document import read_result, result_document, without_times, write_results


def outcome(method: str, ndcg: list[float], *, seed: int = 0, **further: object) -> MethodOutcome:
    users = np.arange(len(ndcg))
    return MethodOutcome(
        platform="shop",
        method=method,
        seed=seed,
        users=users,
        ndcg=np.array(ndcg),
        recall=(np.array(ndcg) > 0).astype(float),
        reciprocal_rank=np.array(ndcg) / 2,
        coverage=0.5,
        cold_users=users < 1,
        cold_items=users > 99,
        **further,  # type: ignore[arg-type]
    )


def result(*outcomes: MethodOutcome, seconds: float = 1.5) -> RunResult:
    return RunResult(
        config={"seed": 0},
        synthetic=True,
        source="news",
        encoder=EncoderSummary(parameters=10, bytes=40, fingerprint="abc"),
        platforms=(
            PlatformSummary(
                name="shop",
                users=2,
                items=5,
                events=9,
                train_users=2,
                test_users=2,
                left_out={"ease": "over 20,000 items"},
            ),
        ),
        outcomes=outcomes,
        gates=(),
        helps=(),
        rounds=(RoundOutcome(seed=0, number=0, kind="moments", seconds=seconds, bytes_up=8, bytes_down=4),),
        seconds={"prepare": seconds, "rounds": 2 * seconds},
        wall_seconds=seconds,
    )


def methods(*outcomes: MethodOutcome) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = result_document(result(*outcomes))["platforms"]["shop"]["methods"]
    return found


def test_averages_users_then_seeds() -> None:
    entry = methods(outcome("stack", [0.0, 0.5], seed=0), outcome("stack", [0.5, 1.0], seed=1))["stack"]
    assert entry["ndcg@10"] == pytest.approx((0.25 + 0.75) / 2)
    assert entry["recall@10"] == pytest.approx((0.5 + 1) / 2)
    assert entry["per_seed"]["ndcg@10"] == [0.25, 0.75]  # type: ignore[index]


def test_says_which_round_was_kept() -> None:
    found = result(outcome("stack", [0.5]))
    assert result_document(found)["rounds"][0]["kept"] is False
    kept = replace(found, rounds=tuple(replace(one, kept=True) for one in found.rounds))
    assert result_document(kept)["rounds"][0]["kept"] is True


def test_counts_slices_and_leaves_an_empty_one_null() -> None:
    slices = methods(outcome("stack", [0.25, 0.5]))["stack"]["slices"]
    unknown = dict.fromkeys(("coverage@10", "diversity@10", "novelty@10"))
    assert slices == {
        "cold_users": {"count": 1, "ndcg@10": 0.25, **unknown},
        "warm_users": {"count": 1, "ndcg@10": 0.5, **unknown},
        "cold_items": {"count": 0, "ndcg@10": None},
    }


def with_lists(diversity: list[float], coverage: dict[str, float], *, seed: int = 0) -> MethodOutcome:
    """Its first user is cold; the novelty is ten times the diversity."""
    lists = ListQuality(diversity=np.array(diversity), novelty=10 * np.array(diversity), coverage=coverage)
    return outcome("stack", [0.0] * len(diversity), seed=seed, lists=lists)


def test_averages_what_lists_are_like_over_users_slices_and_seeds() -> None:
    entry = methods(
        with_lists([0.1, 0.3], {"all": 0.5, "cold_users": 0.2, "warm_users": 0.4}, seed=0),
        with_lists([0.3, 0.9], {"all": 0.5, "cold_users": 0.4, "warm_users": 0.8}, seed=1),
    )["stack"]
    assert entry["diversity@10"] == pytest.approx((0.2 + 0.6) / 2)
    assert entry["novelty@10"] == pytest.approx(4.0)
    assert entry["per_seed"]["diversity@10"] == pytest.approx([0.2, 0.6])  # type: ignore[index]
    slices: dict[str, dict[str, float]] = entry["slices"]  # type: ignore[assignment]
    assert slices["cold_users"]["diversity@10"] == pytest.approx(0.2)
    assert slices["warm_users"]["novelty@10"] == pytest.approx(6.0)
    assert slices["cold_users"]["coverage@10"] == pytest.approx(0.3)
    assert slices["warm_users"]["coverage@10"] == pytest.approx(0.6)


def test_counts_new_users_and_new_items() -> None:
    by_history = {"1": np.array([0.1, 0.3]), "whole": np.array([0.5, 0.5])}
    found = ColdStart(by_history=by_history, target_events=np.array([0, 3, 4, 12]))
    entry: dict[str, object] = methods(outcome("stack", [0.1, 0.2, 0.3, 0.5], cold_start=found))["stack"]
    assert entry["cold_start"] == {
        "by_history": {
            "1": {"count": 2, "ndcg@10": pytest.approx(0.2)},
            "whole": {"count": 2, "ndcg@10": 0.5},
        },
        "by_target_events": {
            "0": {"count": 1, "ndcg@10": 0.1},
            "1-3": {"count": 1, "ndcg@10": 0.2},
            "4-9": {"count": 1, "ndcg@10": 0.3},
            "10+": {"count": 1, "ndcg@10": 0.5},
        },
    }


def test_averages_the_trade_off_over_seeds() -> None:
    curves = [TradeOff(users=4, strengths=(0.0, 0.5), ndcg=(0.2, up), diversity=(0.1, 0.3)) for up in (0.1, 0.3)]
    entry = methods(*(outcome("served", [0.1], seed=seed, trade_off=one) for seed, one in enumerate(curves)))["served"]
    assert entry["trade_off"] == {
        "users": 4,
        "lambda": [0.0, 0.5],
        "ndcg@10": pytest.approx([0.2, 0.2]),
        "diversity@10": pytest.approx([0.1, 0.3]),
    }
    assert "trade_off" not in methods(outcome("local", [0.1]))["local"]


def test_holds_a_platform_in_its_beginnings_apart_from_platforms_by_number_of_users() -> None:
    whole = result(outcome("local", [0.2, 0.4]))
    names = {"shop": 2, "shop@100": 100, "shop@30": 30}
    summaries = tuple(replace(whole.platforms[0], name=name, train_users=n) for name, n in names.items())
    outcomes = tuple(replace(whole.outcomes[0], platform=name) for name in names)
    document = result_document(replace(whole, platforms=summaries, outcomes=outcomes))
    assert list(document["platforms"]) == ["shop"]
    assert {name: list(found) for name, found in document["cold_start"].items()} == {"shop": ["30", "100"]}
    assert document["cold_start"]["shop"]["30"]["train_users"] == 30
    assert document["cold_start"]["shop"]["30"]["methods"]["local"]["ndcg@10"] == pytest.approx(0.3)


def test_measures_lift_against_local_and_gives_local_none() -> None:
    entries = methods(outcome("local", [0.2, 0.4]), outcome("feature", [0.3, 0.6]))
    assert entries["local"]["lift"] is None
    assert entries["feature"]["lift"] == {
        "against": "local",
        "mean": pytest.approx(50),
        "low": pytest.approx(50),
        "high": pytest.approx(50),
    }


def test_pairs_seeds_before_it_averages_users() -> None:
    entries = methods(
        outcome("local", [0.2, 0.4], seed=0),
        outcome("local", [0.4, 0.2], seed=1),
        outcome("feature", [0.4, 0.4], seed=0),
        outcome("feature", [0.4, 0.4], seed=1),
    )
    # each user's mean is .3 before and .4 after, so every resample gives the same third more
    assert entries["feature"]["lift"]["low"] == pytest.approx(100 / 3)  # type: ignore[index]
    assert entries["feature"]["lift"]["high"] == pytest.approx(100 / 3)  # type: ignore[index]


def test_shows_methods_as_a_share_of_the_oracle() -> None:
    entries = methods(outcome("local", [0.2, 0.4]), outcome("oracle", [0.5, 0.7]))
    assert entries["local"]["share_of_oracle"] == pytest.approx(0.5)
    assert "share_of_oracle" not in methods(outcome("local", [0.2, 0.4]))["local"]


def test_averages_weights_over_seeds_and_lists_what_was_tuned() -> None:
    entry = methods(
        outcome("local", [0.1], seed=0, weights={"linear": 0.4, "ease": 0.2}, tuned={"pull": 1}),
        outcome("local", [0.1], seed=1, weights={"linear": 0.2}, tuned={"pull": 4}),
    )["local"]
    assert entry["weights"] == {"linear": pytest.approx(0.3), "ease": pytest.approx(0.1)}
    assert entry["tuned"] == {"pull": [1, 4]}


def student(ndcg: float, teacher: float | None, seconds: float = 0.001) -> StudentSummary:
    return StudentSummary(
        preset="nano",
        parameters=10,
        ndcg=ndcg,
        teacher_parameters=None if teacher is None else 40,
        teacher_ndcg=teacher,
        seconds=seconds,
        stack_seconds=10 * seconds,
    )


def test_shows_what_a_student_is_worth_alone() -> None:
    entry = methods(
        outcome("knowledge", [0.2, 0.4], seed=0, student=student(0.2, 0.25)),
        outcome("knowledge", [0.4, 0.6], seed=1, student=student(0.3, 0.25)),
    )["knowledge"]["student"]
    assert entry == {
        "preset": "nano",
        "parameters": 10,
        "teacher_parameters": 40,
        "ndcg@10": pytest.approx(0.25),
        "share_of_stack": pytest.approx(0.25 / 0.4),
        "share_of_teacher": pytest.approx(1.0),
        "seconds": {"student": pytest.approx(0.001), "stack": pytest.approx(0.01)},
    }


def test_has_no_share_of_a_teacher_that_is_a_stack_or_of_a_stack_that_found_nothing() -> None:
    entry = methods(outcome("knowledge", [0.0], student=student(0.2, None)))["knowledge"]["student"]
    assert (entry["share_of_teacher"], entry["share_of_stack"]) == (None, None)  # type: ignore[index]


def test_differs_by_the_time_of_a_student_in_times_only() -> None:
    first, second = (
        result_document(result(outcome("knowledge", [0.1], student=student(0.1, 0.1, seconds)))) for seconds in (1, 2)
    )
    assert first != second
    assert without_times(first) == without_times(second)


def test_differs_between_two_runs_in_times_only() -> None:
    first, second = (result_document(result(outcome("local", [0.1]), seconds=time)) for time in (1.0, 2.0))
    assert first != second
    assert without_times(first) == without_times(second)


def test_writes_files_that_read_back(tmp_path: Path) -> None:
    document = write_results(result(outcome("local", [0.1, 0.3]), outcome("feature", [0.2, 0.3])), tmp_path)
    assert read_result(tmp_path / "result.json") == json.loads(json.dumps(document))
    rows = pl.read_parquet(tmp_path / "per_user.parquet")
    assert rows.columns == ["platform", "method", "seed", "user", "ndcg@10"]
    assert rows.filter(pl.col("method") == "feature")["ndcg@10"].to_list() == [0.2, 0.3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["per_user.parquet", "result.json"]


def test_reads_former_names_of_options(tmp_path: Path) -> None:
    write_results(replace(result(outcome("stack", [0.5])), config={"server_rate": 0.5, "seed": 0}), tmp_path)
    assert read_result(tmp_path / "result.json")["config"] == {"server_learning_rate": 0.5, "seed": 0}


def test_holds_no_user_where_nothing_was_ready(tmp_path: Path) -> None:
    document = write_results(result(), tmp_path)
    assert document["platforms"]["shop"]["methods"] == {}
    assert pl.read_parquet(tmp_path / "per_user.parquet").height == 0


def test_refuses_another_format(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"format": 99}')
    with pytest.raises(DataError, match="must be a result of format 1; found 99"):
        read_result(path)


def test_refuses_columns_of_unequal_length() -> None:
    with pytest.raises(GraftError, match="every column must have the shape of users"):
        MethodOutcome(
            platform="shop",
            method="local",
            seed=0,
            users=np.arange(2),
            ndcg=np.zeros(3),
            recall=np.zeros(2),
            reciprocal_rank=np.zeros(2),
            coverage=0.0,
            cold_users=np.zeros(2, dtype=bool),
            cold_items=np.zeros(2, dtype=bool),
        )


def contribution(platform: str, seed: int, ndcg: list[float], **without: list[float]) -> ContributionOutcome:
    return ContributionOutcome(
        platform=platform,
        method="federated",
        seed=seed,
        users=np.arange(len(ndcg)),
        ndcg=np.array(ndcg),
        without={name: np.array(values) for name, values in without.items()},
    )


def test_pairs_contributions_by_users_over_seeds() -> None:
    found = replace(
        result(),
        contributions=(
            contribution("shop", 0, [0.2, 0.4], news=[0.2, 0.2], films=[0.1, 0.2]),
            contribution("shop", 1, [0.4, 0.8], news=[0.4, 0.4], films=[0.2, 0.4]),
            contribution("newcomer", 0, [0.5, 0.5], news=[0.0, 0.0]),
        ),
    )
    entry = result_document(found)["contributions"]
    assert set(entry) == {"news", "films"}
    assert set(entry["news"]) == {"shop"}
    assert entry["films"]["shop"] == {"method": "federated", "mean": 100.0, "low": 100.0, "high": 100.0}
    assert entry["news"]["shop"]["mean"] == pytest.approx(50.0)
    assert entry["news"]["shop"]["low"] == pytest.approx(0.0)
    assert entry["news"]["shop"]["high"] == pytest.approx(100.0)


def test_knows_no_contributions_where_no_round_was_made() -> None:
    assert result_document(result())["contributions"] == {}
