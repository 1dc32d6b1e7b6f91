"""A peer tuned on validation baskets, fitted on all events before the second cut and judged on test baskets.

Its answer is one JSON object: ``{"settings": {..}, "validation": v, "tried": [[{..}, v], ..], "seconds": s,
"versions": {..}, "live": [..], "frozen": [..]}``, the last two by test user.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peers.time_course import TimeCourse
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories
from shared.seeding import rng_for

Settings = dict[str, Any]
Tried = list[tuple[Settings, float]]
Fit = Callable[[TimeCourse, Sequences, Settings, int], ScoreHistories]
"""The course, the events to fit on, the settings and a seed to what scores histories."""
Tune = Callable[[TimeCourse, int, float], Tried]
"""The course, a seed and a budget of processor seconds to all settings that were tried, with their NDCG@10."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One way of recommending that is not ours."""

    fit: Fit
    tune: Tune
    packages: tuple[str, ...] = ()


def grid(**values: Sequence[Any]) -> list[Settings]:
    """Every combination."""
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def over_grid(fit: Fit, settings: Callable[[TimeCourse], list[Settings]]) -> Tune:
    """Tries settings in a drawn order, and none more once the budget is over."""

    def tune(course: TimeCourse, seed: int, budget: float) -> Tried:
        candidates, begun, tried = settings(course), time.process_time(), []
        for place in rng_for(seed, "time-peers", "grid").permutation(len(candidates)):
            score = fit(course, course.training, candidates[place], seed)
            tried.append((candidates[place], course.validated(score)))
            if time.process_time() - begun > budget:
                break
        return tried

    return tune


def counts_of(sequences: Sequences, n_items: int, *, once: bool) -> Any:
    """[B, n] how often each item occurs in each list, or 1 where ``once``; a SciPy CSR matrix of float32."""
    from scipy.sparse import csr_matrix  # peers have it by their own requirements

    shape = (len(sequences), n_items)
    values = np.ones(len(sequences.items), np.float32)
    counts = csr_matrix((values, sequences.items, sequences.offsets), shape)
    counts.sum_duplicates()
    if once:
        counts.data[:] = 1
    return counts


def with_unknown(scores: torch.Tensor, known: np.ndarray) -> torch.Tensor:
    """Scores [B, n], NaN, which ranks last, for items that are not ``known`` [n]."""
    scores[:, torch.from_numpy(~known)] = torch.nan
    return scores


def items_of(sequences: Sequences, n_items: int) -> np.ndarray:
    """[n] whether an item occurs."""
    return np.bincount(sequences.items, minlength=n_items) > 0


def answer(peer: Peer, course: TimeCourse, *, seed: int, budget: float) -> dict[str, Any]:
    """What the peer does at its best validated settings."""
    begun = time.process_time()
    tried = peer.tune(course, seed, budget)
    settings, validation = max(tried, key=lambda trial: trial[1])
    score = peer.fit(course, course.known, settings, seed)
    seconds = time.process_time() - begun
    return {
        "settings": settings,
        "validation": validation,
        "tried": tried,
        "seconds": seconds,
        "versions": {name: version(name) for name in ("numpy", "torch", *peer.packages)},
        "live": course.live(score).tolist(),
        "frozen": course.frozen(score).tolist(),
    }


def main(peer: Peer) -> None:
    """Read a course, write the answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("course", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--budget", type=float, required=True)
    options = parser.parse_args()
    sys.stdout = sys.stderr  # where the peer's words go
    peer_answer = answer(peer, TimeCourse.read(options.course), seed=options.seed, budget=options.budget)
    options.answer.write_text(json.dumps(peer_answer))
