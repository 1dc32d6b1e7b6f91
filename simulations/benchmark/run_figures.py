"""The figures of one finished run: each platform's methods, the gate's evidence, transferability scores, seconds.

Two lifts over ``local`` are resampled as the page has them: of ``feature``, from which ``assess`` expects a lift, and
of what is served. The others are as in ``result.json``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import Interval, paired_lift
from client.gate.expectation import content_share
from client.transfer.feature import FEATURE
from shared.seeding import rng_for
from simulations.benchmark.figures import (
    ADDS,
    ADDS_EVENTS,
    ADDS_USERS,
    CONTENT_SHARE,
    GATE_ACCEPTS,
    GATE_LIFT,
    GATE_NDCG,
    MOMENTS_SECONDS,
    NDCG,
    OVER_LOCAL,
    SECONDS,
    SELECTION_USERS,
    TEST_USERS,
    TRAINING_SECONDS,
    VALIDATION,
    Figure,
    Place,
    interval_figure,
)
from simulations.benchmark.pooled_cells import by_user, validation_of
from simulations.results.outcomes import SERVED
from simulations.results.result_document import RESULT_FILE, read_result, read_users

_METRICS = (NDCG, "recall@10", "mrr", "coverage@10", "diversity@10", "novelty@10")
_DIGITS = 16
"""Of a digest of options."""


def run_figures(name: str, related: str, seed: int, folder: Path) -> list[Figure]:
    """Every figure of a run under one seed.

    Args:
        name: of the pair, federation or comparison of ways.
        related: the pair's class; empty for a federation.
        seed: of the run.
        folder: holds ``result.json`` and ``per_user.parquet``.

    Returns:
        One row a figure, each with the digest of the run's options and the versions that it was run with.
    """
    document, users = read_result(folder / RESULT_FILE), read_users(folder)
    run = Place(name=name, related=related, seed=seed)
    rows = [*_seconds(run, document)]
    for platform, entry in document["platforms"].items():
        place = replace(run, platform=platform)
        own_users = users.filter(pl.col("platform") == platform)
        rows += [*_methods(place, entry, own_users), *_gate(place, entry)]
    options, versions = options_digest(document["config"]), versions_text(document["versions"])
    return [replace(row, options=options, versions=versions) for row in rows]


def options_digest(config: Mapping[str, Any]) -> str:
    """The same for runs that differ in their seed alone."""
    options = {name: value for name, value in config.items() if name != "seed"}
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def versions_text(versions: Mapping[str, str]) -> str:
    """``python 3.11.7, graft 0.1.0, ...``."""
    return ", ".join(f"{library} {version}" for library, version in versions.items())


def _seconds(run: Place, document: Mapping[str, Any]) -> Iterator[Figure]:
    yield Figure(place=run, metric=SECONDS, value=document["seconds"]["total"])
    for kind, metric in (("moments", MOMENTS_SECONDS), ("training", TRAINING_SECONDS)):
        seconds = [each["seconds"] for each in document["rounds"] if each["kind"] == kind]
        if seconds:
            yield Figure(place=run, metric=metric, value=sum(seconds))


def _methods(place: Place, entry: Mapping[str, Any], users: pl.DataFrame) -> Iterator[Figure]:
    """``users`` are the figures of the platform's test users."""
    yield Figure(place=place, metric=TEST_USERS, value=entry["test_users"])
    for method, validation in validation_of(entry["methods"]).items():
        yield Figure(place=place, method=method, metric=VALIDATION, value=validation)
    for method, measured in entry["methods"].items():
        for metric in _METRICS:
            if measured[metric] is not None:
                yield Figure(place=place, method=method, metric=metric, value=measured[metric])
        if method != LOCAL:
            yield from interval_figure(place, method, OVER_LOCAL, _over_local(place, method, measured, users))


def _over_local(place: Place, method: str, measured: Mapping[str, Any], users: pl.DataFrame) -> Interval | None:
    streams = {FEATURE.name: ("foretold", place.name, place.platform), SERVED: ("never-worse", place.platform)}
    if method in streams:
        rng = rng_for(place.seed or 0, *streams[method])
        return paired_lift(by_user(users, method), by_user(users, LOCAL), rng)
    lift = measured["lift"]
    return None if lift is None else Interval(mean=lift["mean"], low=lift["low"], high=lift["high"])


def _gate(place: Place, entry: Mapping[str, Any]) -> Iterator[Figure]:
    for verdict in entry["gate"]:
        yield Figure(place=place, metric=SELECTION_USERS, value=verdict["users"])
        yield Figure(place=place, method=verdict["served"], metric=GATE_ACCEPTS, value=float(verdict["accepted"]))
        for method, candidate in verdict["candidates"].items():
            yield from _candidate(place, method, candidate)
    local = validation_of(entry["methods"]).get(LOCAL)
    if entry["gate"] and local is not None:
        yield Figure(place=place, metric=CONTENT_SHARE, value=content_share(entry["scorers"], local))


def _candidate(place: Place, method: str, candidate: Mapping[str, Any]) -> Iterator[Figure]:
    yield Figure(place=place, method=method, metric=GATE_NDCG, value=candidate["ndcg"])
    if candidate["lift"] is not None:
        lift, bound = candidate["lift"], candidate["bound"]
        yield Figure(place=place, method=method, metric=GATE_LIFT, value=lift, low=bound)
    related = candidate.get("transferability", candidate.get("relatedness"))  # results of before
    if related is not None:
        yield Figure(place=place, method=method, metric=ADDS, value=related["lift"], low=related["bound"])
        yield Figure(place=place, method=method, metric=ADDS_USERS, value=related["users"])
        yield Figure(place=place, method=method, metric=ADDS_EVENTS, value=related["events"])
