"""Results as ``result.json`` holds them, for the tests of what shows them."""

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from client.evaluation.beyond_accuracy import ListQuality
from simulations.results.outcomes import (
    BEGINNING,
    ORACLE,
    SERVED,
    ColdStart,
    ContributionOutcome,
    EncoderSummary,
    GateOutcome,
    HelpOutcome,
    MethodOutcome,
    PlatformSummary,
    RoundOutcome,
    RunResult,
    StudentSummary,
    TradeOff,
    shown,
)
from simulations.results.result_document import result_document

WEIGHTED = ("stack", "local", "feature", "federated", "pooled")


def full_document(
    *platforms: str,
    synthetic: bool = True,
    complete: bool = True,
    methods: tuple[str, ...] = shown(),
    beginnings: tuple[int, ...] = (10,),
) -> dict[str, Any]:
    """Every method on every platform, the first one's beginnings, two rounds and three steps; figures are made up."""
    return deepcopy(_document(platforms, synthetic, complete, methods, beginnings))


@cache
def _document(
    platforms: tuple[str, ...], synthetic: bool, complete: bool, methods: tuple[str, ...], beginnings: tuple[int, ...]
) -> dict[str, Any]:
    names = platforms or ("shop", "second-shop")
    first = [f"{names[0]}{BEGINNING}{users}" for users in beginnings]
    return result_document(
        RunResult(
            config={"seed": 0, "seeds": 1, "methods": list(methods)},
            synthetic=synthetic,
            source=names[0],
            encoder=EncoderSummary(parameters=1_000, bytes=4_000, fingerprint="abc"),
            platforms=tuple(_platform(name) for name in (*names, *first)),
            outcomes=tuple(_outcome(name, method) for name in (*names, *first) for method in methods),
            rounds=tuple(_round(number, names) for number in range(2)),
            gates=tuple(_gate(name) for name in names),
            helps=(HelpOutcome(seed=0, lifts={one: dict.fromkeys(names, 12.5) for one in names}),),
            contributions=tuple(_contribution(name, names) for name in names),
            seconds={"prepare": 1.0, "rounds": 2.0, "rank": 0.001},
            wall_seconds=3.0,
            complete=complete,
        )
    )


def empty_document() -> dict[str, Any]:
    """What a run has that was stopped before anything was ready."""
    result = RunResult(
        config={"seed": 0},
        synthetic=False,
        source=None,
        encoder=None,
        platforms=(),
        outcomes=(),
        rounds=(),
        gates=(),
        helps=(),
        seconds={},
        wall_seconds=3.0,
        complete=False,
    )
    return result_document(result)


def _platform(name: str) -> PlatformSummary:
    return PlatformSummary(
        name=name,
        users=40,
        items=900,
        events=1_200,
        train_users=int(name.partition(BEGINNING)[2] or 40),
        test_users=40,
        left_out={"ease": "9,000 items are more than the limit of 8,000"},
        scorer_values={"content-knn@1": 0.2, "linear": 0.3},
    )


def _outcome(platform: str, method: str) -> MethodOutcome:
    rng = np.random.default_rng(len(method))
    ndcg = rng.random(40)
    by_history = {} if method == ORACLE else dict.fromkeys(("1", "2", "3", "whole"), ndcg[:20])
    curve = TradeOff(users=40, strengths=(0.0, 0.5), ndcg=(0.4, 0.3), diversity=(0.5, 0.8))
    return MethodOutcome(
        platform=platform,
        method=method,
        seed=0,
        users=np.arange(40),
        ndcg=ndcg,
        recall=np.ones(40),
        reciprocal_rank=ndcg / 2,
        coverage=0.5,
        cold_users=np.arange(40) < 5,
        cold_items=np.zeros(40, bool),
        weights={"content-knn@1": -0.1, "linear": 0.4} if method in WEIGHTED else {},
        student=_student() if method == "knowledge" else None,
        lists=ListQuality(
            diversity=ndcg,
            novelty=10 * ndcg,
            coverage={"all": 0.5, "cold_users": 0.25, "warm_users": 0.375},
        ),
        cold_start=ColdStart(by_history=by_history, target_events=np.repeat([0, 2, 5, 20], 10)),
        trade_off=curve if method == SERVED else None,
    )


def _student() -> StudentSummary:
    return StudentSummary(
        preset="nano",
        parameters=12_345,
        ndcg=0.25,
        teacher_parameters=67_890,
        teacher_ndcg=0.5,
        seconds=0.0021,
        stack_seconds=0.0432,
    )


def _round(number: int, platforms: tuple[str, ...]) -> RoundOutcome:
    return RoundOutcome(
        seed=0,
        number=number,
        kind="training",
        seconds=1.0,
        bytes_up=10,
        bytes_down=10,
        losses={name: {"head": 3.0 - number, "encoder": 2.5 - number} for name in platforms},
        validation=dict.fromkeys(platforms, 0.1 + number / 10),
        cosines={one: {other: -0.25 for other in platforms if other != one} for one in platforms},
    )


def _contribution(platform: str, names: tuple[str, ...]) -> ContributionOutcome:
    """Everybody gains a quarter from the first platform, and nothing from the others."""
    ndcg = np.random.default_rng(1).random(40)
    without = {name: ndcg * (0.8 if name == names[0] else 1.0) for name in names}
    return ContributionOutcome(
        platform=platform, method="federated", seed=0, users=np.arange(40), ndcg=ndcg, without=without
    )


def _gate(name: str) -> GateOutcome:
    verdict = {"accepted": False, "served": "local", "reason": "no method is above", "users": 9, "candidates": {}}
    return GateOutcome(platform=name, seed=0, verdict=verdict)
