"""What all finished seeds of a pair come to, at each fraction of its target's training users.

Lifts are over the people of several seeds, resampled person by person. Seeds draw who is a platform's user, so one
person may be ranked under one seed, under some or under all. Who was met under three is one person, not three: a
resample draws people, each with all that was found of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import Interval, resampled_sums
from client.transfer.table import METHODS, local_methods, names_of
from shared.seeding import rng_for
from simulations.benchmark.figures import (
    GATE_ACCEPTS,
    NDCG,
    OVER_BEST,
    OVER_CONTENT,
    OVER_LOCAL,
    SEEDS,
    TEST_USERS,
    Figure,
    interval_figure,
    place_of,
)
from simulations.benchmark.pairs import FRACTIONS, Pair, fraction_name
from simulations.results.outcomes import SERVED
from simulations.results.result_document import RESULT_FILE, read_result, read_users

RESAMPLES = 2000

Float64 = NDArray[np.float64]

Column = tuple[str, str]
"""Platform and method."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ResampledSums:
    """Sums over people, of the same resamples whatever is summed."""

    sums: Mapping[Column, Float64]
    """[1 + ``RESAMPLES``], the found sum, then those over resamples of the people"""

    def lifts(self, method: Column, baseline: Column) -> Float64 | None:
        """Lift in percent of one sum over another.

        Args:
            method: platform and method whose lift is wanted.
            baseline: platform and method that it is compared with.

        Returns:
            [0] the found lift, then one for each resample; resamples whose baseline is 0 are left out. None where one
            of the sums is not there or the baseline's is 0.
        """
        if method not in self.sums or baseline not in self.sums or self.sums[baseline][0] == 0:
            return None
        mine, other = self.sums[method], self.sums[baseline]
        return 100 * (mine[other > 0] / other[other > 0] - 1)


def resampled(frames_by_column: Mapping[Column, Sequence[pl.DataFrame]], rng: np.random.Generator) -> ResampledSums:
    """Sums of NDCG@10 over people, and over resamples of them.

    People who are not in one of the frames add nothing to its sum.

    Args:
        frames_by_column: of each column a frame for each seed: ``user``, whose number is the same under every seed, and
            ``ndcg@10``.
        rng: draws the resamples.

    Returns:
        Sums [1 + ``RESAMPLES``] by column, of the same resamples for all.
    """
    columns = {name: pl.concat(frames) for name, frames in frames_by_column.items()}
    people = np.unique(np.concatenate([frame["user"].to_numpy() for frame in columns.values()]))
    values = np.stack([_by_person(people, frame) for frame in columns.values()], axis=1)
    sums = np.concatenate([values.sum(0)[None], resampled_sums(values, rng, RESAMPLES)])
    return ResampledSums(sums={name: sums[:, place] for place, name in enumerate(columns)})


def mean_ndcg(frames: Sequence[pl.DataFrame]) -> float:
    """NDCG@10 over the users of every seed."""
    return float(pl.concat(frames)["ndcg@10"].to_numpy().mean())


def _by_person(people: NDArray[np.int64], column: pl.DataFrame) -> Float64:
    rows = np.searchsorted(people, column["user"].to_numpy())
    return np.bincount(rows, weights=column["ndcg@10"].to_numpy(), minlength=len(people)).astype(np.float64)


CONTENT_KNN = METHODS["content-knn"].name
SHOWN = (*names_of(lambda method: method.in_benchmark), SERVED)
AVERAGED_FROM = 500
"""Test users below which a pair is shown and not averaged."""

_BEST = "best"


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """One pair at one fraction, all its finished seeds."""

    pair: Pair
    fraction: float
    seeds: int
    users: int
    """test users, mean over seeds"""
    local: float
    """NDCG@10 of ``local``"""
    lifts: Mapping[str, Float64]
    """method: lifts over ``local`` in percent; [0] the found one, then resamples over people"""
    over_best: Mapping[str, Float64]
    """the same over the local method that validation would pick, under each seed its own"""
    over_content: Mapping[str, Float64]
    """the same over ``content-knn``"""
    accepted: int
    """seeds in which the gate served transfer"""


def cells(finished: Iterable[tuple[Pair, int, Path]]) -> list[Cell]:
    """All cells, in the order of the pairs, then of ``FRACTIONS``."""
    by_pair: dict[str, list[tuple[Pair, int, Path]]] = {}
    for entry in finished:
        by_pair.setdefault(entry[0].name, []).append(entry)
    return [cell for entries in by_pair.values() for cell in _pair_cells(entries)]


def _pair_cells(entries: Sequence[tuple[Pair, int, Path]]) -> list[Cell]:
    """Its fractions have their test users in common, so their resamples are the same ones."""
    pair, folders = entries[0][0], [folder for _, _, folder in entries]
    users = {folder: read_users(folder) for folder in folders}
    documents = {folder: read_result(folder / RESULT_FILE)["platforms"] for folder in folders}
    user_frames: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for folder in folders:
        for name in map(fraction_name, FRACTIONS):
            methods = documents[folder][name]["methods"]
            best = best_by_validation(validation_of(methods), local_methods())
            columns = {method: method for method in (LOCAL, CONTENT_KNN, *SHOWN) if method in methods}
            for column, method in {**columns, _BEST: best}.items():
                chosen = (pl.col("platform") == name) & (pl.col("method") == method)
                user_frames.setdefault((name, column), []).append(users[folder].filter(chosen))
    whole = {key: frames for key, frames in user_frames.items() if len(frames) == len(folders)}
    sums = resampled(whole, rng_for(0, "benchmark", pair.name))
    cells = []
    for fraction in FRACTIONS:
        name = fraction_name(fraction)
        local = whole[name, LOCAL]
        gates = [verdict for folder in folders for verdict in documents[folder][name]["gate"]]
        cells.append(
            Cell(
                pair=pair,
                fraction=fraction,
                seeds=len(folders),
                users=round(sum(map(len, local)) / len(folders)),
                local=mean_ndcg(local),
                lifts=_lifts(sums, name, LOCAL),
                over_best=_lifts(sums, name, _BEST),
                over_content=_lifts(sums, name, CONTENT_KNN),
                accepted=sum(verdict["accepted"] for verdict in gates),
            )
        )
    return cells


def by_user(users: pl.DataFrame, method: str) -> Float64:
    """NDCG@10 under the method, in the order of users.

    Args:
        users: rows of ``per_user.parquet``, of one platform and seed.
        method: name of the method.

    Returns:
        [U], from 0 to 1.
    """
    return users.filter(pl.col("method") == method).sort("user")["ndcg@10"].to_numpy().astype(np.float64)


def validation_of(methods: Mapping[str, Any]) -> dict[str, float]:
    """NDCG@10 on validation events by method that was tuned, from a platform's ``methods`` in a result."""
    tuned = {name: measured["tuned"] for name, measured in methods.items()}
    return {name: values["validation"][0] for name, values in tuned.items() if "validation" in values}


def best_by_validation(validation: Mapping[str, float], among: Sequence[str]) -> str:
    """The one of these methods that validation would pick.

    Args:
        validation: method to its NDCG@10 on validation events.
        among: methods; those without a figure are left out.
    """
    return max((name for name in among if name in validation), key=lambda name: validation[name])


def _lifts(sums: ResampledSums, name: str, against: str) -> dict[str, Float64]:
    """None where the baseline found nothing, or was not there."""
    lifts = {method: sums.lifts((name, method), (name, against)) for method in SHOWN}
    return {method: lift for method, lift in lifts.items() if lift is not None}


def pooled_figures(cells: Sequence[Cell]) -> list[Figure]:
    """One row a figure of each cell, and how many seeds each pair has finished."""
    seeds = {cell.pair.name: Figure(place=place_of(cell.pair), metric=SEEDS, value=cell.seeds) for cell in cells}
    return [*seeds.values(), *(row for cell in cells for row in _cell_figures(cell))]


def _cell_figures(cell: Cell) -> Iterator[Figure]:
    place = place_of(cell.pair, cell.fraction)
    yield Figure(place=place, metric=TEST_USERS, value=cell.users)
    yield Figure(place=place, method=LOCAL, metric=NDCG, value=cell.local)
    yield Figure(place=place, metric=GATE_ACCEPTS, value=cell.accepted)
    for metric, lifts in ((OVER_LOCAL, cell.lifts), (OVER_BEST, cell.over_best), (OVER_CONTENT, cell.over_content)):
        for method, resamples in lifts.items():
            yield from interval_figure(place, method, metric, middle(resamples))


def averaged(lifts: Sequence[Float64 | None]) -> Float64 | None:
    """The mean over pairs; each resample draws pairs with replacement, and of each its own resample over users.

    Args:
        lifts: of each pair, in percent: [0] the found one, then resamples; None where a pair has none.

    Returns:
        The same of the mean; None where no pair has any.
    """
    there = [lift for lift in lifts if lift is not None]
    if not there:
        return None
    length = min(len(lift) for lift in there)
    stacked = np.stack([lift[:length] for lift in there])
    drawn = rng_for(0, "benchmark", "pairs").integers(0, len(there), (len(there), length - 1))
    return np.concatenate([[stacked[:, 0].mean()], np.take_along_axis(stacked[:, 1:], drawn, axis=0).mean(0)])


def middle(lifts: Float64 | None) -> Interval | None:
    """The found lift and the middle 95 % of the resampled ones, in percent.

    Args:
        lifts: [0] the found one, then resamples; None where there are none.

    Returns:
        The interval; None where there are no lifts.
    """
    if lifts is None:
        return None
    low, high = np.percentile(lifts[1:], [2.5, 97.5])
    return Interval(mean=float(lifts[0]), low=float(low), high=float(high))
