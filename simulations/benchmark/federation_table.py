"""The benchmark's table of federations: what rounds are worth to each shop, and what far platforms cost them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from client.evaluation.lift import resampled_lifts
from client.recommender.candidates import LOCAL
from shared.seeding import rng_for
from simulations.benchmark.federations import FEDERATIONS, Federation
from simulations.benchmark.table import RESAMPLES, Float64, averaged, lift_with_interval
from simulations.results import PER_USER_FILE, RESULT_FILE, read_result

Values = Mapping[tuple[str, str], Float64]
"""(shop, method) to NDCG@10 by user, the seeds side by side."""


def federation_table(finished: Sequence[tuple[Federation, int, Path]]) -> str:
    """One line per federation in Markdown."""
    by_name: dict[str, dict[int, Path]] = {}
    for federation, seed, folder in finished:
        by_name.setdefault(federation.name, {})[seed] = folder
    heads = ["federation", "seeds", "shops", "local NDCG@10", "feature over local, %", "federated over local, %"]
    heads += ["federated over pooled, %", f"federated over that of {FEDERATIONS[0].name}, %"]
    heads += ["seconds of the moments round / of the training rounds"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    first = by_name.get(FEDERATIONS[0].name, {})
    for federation in [one for one in FEDERATIONS if one.name in by_name]:
        folders = by_name[federation.name]
        values = _values(federation, list(folders.values()))
        local = float(np.mean([values[shop, LOCAL].mean() for shop in federation.reported]))
        row = [federation.name, str(len(folders)), str(len(federation.reported)), f"{local:.4f}"]
        row += [_lift(federation, values, values, method, base) for method, base in _PAIRS]
        row += ["-" if folders is first else _over_first(federation, folders, first)]
        row += [_times(list(folders.values()))]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


_PAIRS = (("feature", LOCAL), ("federated", LOCAL), ("federated", "pooled"))


def _over_first(federation: Federation, folders: Mapping[int, Path], first: Mapping[int, Path]) -> str:
    """``federated`` over that of the first federation, on the seeds that both have finished."""
    seeds = [seed for seed in folders if seed in first]
    if not seeds:
        return "-"
    found, against = (_values(federation, [of[seed] for seed in seeds]) for of in (folders, first))
    return _lift(federation, found, against, "federated", "federated")


def _values(federation: Federation, folders: Sequence[Path]) -> Values:
    users = pl.concat([pl.read_parquet(folder / PER_USER_FILE) for folder in folders])
    wanted = users.filter(pl.col("platform").is_in(federation.reported)).sort("seed", "user")
    parts = wanted.partition_by("platform", "method", as_dict=True)
    return {(str(shop), str(method)): part["ndcg@10"].to_numpy() for (shop, method), part in parts.items()}


def _lift(federation: Federation, found: Values, against: Values, method: str, base: str) -> str:
    """The mean over shops of one method's lift over another's, with its interval over shops and users."""
    lifts = []
    for shop in federation.reported:
        if (shop, method) not in found or (shop, base) not in against:
            return "-"
        mine, other = found[shop, method], against[shop, base]
        rng = rng_for(0, "benchmark", federation.name, shop, method, base)
        drawn = resampled_lifts(mine, other, rng, RESAMPLES)
        lifts.append(np.concatenate([[100 * (mine.mean() / other.mean() - 1)], drawn]))
    return lift_with_interval(averaged(lifts))


def _times(folders: Sequence[Path]) -> str:
    totals = {"moments": 0.0, "training": 0.0}
    for folder in folders:
        for each in read_result(folder / RESULT_FILE)["rounds"]:
            totals[each["kind"]] += each["seconds"]
    return f"{totals['moments']:.1f} / {totals['training']:.1f}"
