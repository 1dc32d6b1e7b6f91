"""What is measured beside the ranking of test events: a student without its teacher, the cost of a re-ranked list."""

import time
from functools import partial

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, some
from client.data.sequences import Sequences, select
from client.ensemble.ensemble import Ensemble
from client.ensemble.fitting import FittedStacks
from client.ensemble.rerank import RerankSettings, rank_diversified
from client.evaluation.beyond_accuracy import intra_list_diversity
from client.evaluation.ranking import K, ScoreHistories, rank
from client.features.prepared_platform import PreparedPlatform
from client.transfer.knowledge import Student, parameters
from client.transfer.model import Tuned
from client.transfer.teachers import sequence_alone
from shared.seeding import rng_for
from simulations.results.outcomes import StudentSummary, TradeOff

REQUESTS = 12
"""Users for whom a recommendation is timed, one at a time."""


def student_summary(
    student: Student,
    teacher: Tuned | None,
    stacks: FittedStacks,
    method: str,
    prepared: PreparedPlatform,
    held_out: Examples,
) -> StudentSummary:
    """Rank the held-out events by the student alone, and time it beside the stack that ``method`` serves.

    Args:
        student: of method ``knowledge``.
        teacher: the tuned encoder that taught; None where the stack did.
        stacks: the fitted stacks.
        method: name of the method whose stack is timed.
        prepared: the platform.
        held_out: what is ranked.

    Returns:
        NDCG@10 and numbers of parameters of student and teacher; seconds of one recommendation by student and by stack.
    """
    ensemble, weights = stacks.ensemble.used(stacks.chosen[method].by_gap)
    score = sequence_alone(student.encoder, student.head, prepared)
    taught_by = None if teacher is None else sequence_alone(teacher.encoder, teacher.head, prepared)
    return StudentSummary(
        preset=student.encoder.spec.preset,
        parameters=student.parameters,
        ndcg=_quality(score, prepared, held_out),
        teacher_parameters=None if teacher is None else parameters(teacher.encoder, teacher.head),
        teacher_ndcg=None if taught_by is None else _quality(taught_by, prepared, held_out),
        seconds=seconds_per_user(score, held_out.histories),
        stack_seconds=seconds_per_user(partial(ensemble.served, weights), held_out.histories),
    )


def seconds_per_user(score: ScoreHistories, histories: Sequences) -> float:
    """Median time from a history to its first ten items, one user at a time.

    Args:
        score: scores all items after each history.
        histories: of which the first ``REQUESTS`` are timed.

    Returns:
        Seconds; 0 where there is no history.
    """
    spent = []
    for row in range(min(REQUESTS, len(histories))):
        history = select(histories, np.array([row]))
        began = time.perf_counter()
        scores = score(history)
        scores.topk(min(K, scores.shape[1]), dim=1)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent)) if spent else 0.0


def _quality(score: ScoreHistories, prepared: PreparedPlatform, held_out: Examples) -> float:
    """Mean NDCG@10."""
    platform = prepared.platform
    return float(rank(score, held_out, n_items=platform.n_items, repeats=platform.repeats).ndcg.mean())


STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
MAX_USERS = 300
"""Test users who are re-ranked at every strength."""


def trade_off(
    ensemble: Ensemble,
    weights: NDArray[np.float64],
    tests: Examples,
    features: NDArray[np.float32],
    settings: RerankSettings,
    *,
    seed: int,
) -> TradeOff:
    """The curve of one stack on test examples: NDCG@10 against diversity, at each of ``STRENGTHS``.

    Args:
        ensemble: the fitted scorers.
        weights: of its columns, [1, R], or [1 + K, R] by gap.
        tests: of which at most ``MAX_USERS`` are ranked.
        features: [n, D]; they say how alike items are.
        settings: what a re-ranked list may hold.
        seed: draws who is ranked.

    Returns:
        Means over those who were ranked.
    """
    rows = np.sort(rng_for(seed, "trade-off").permutation(len(tests))[:MAX_USERS])
    rankings = rank_diversified(ensemble, weights, some(tests, rows), features, STRENGTHS, settings)
    return TradeOff(
        users=len(rows),
        strengths=STRENGTHS,
        ndcg=tuple(float(ranking.ndcg.mean()) for ranking in rankings),
        diversity=tuple(float(intra_list_diversity(ranking.recommended, features).mean()) for ranking in rankings),
    )
