"""Two runs compared, each user with themselves: what the second run's methods are worth beside those of the first."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from client.data.folder_options import Preparation, SharedPreparation
from client.data.spec import parse_platform_spec
from client.evaluation.lift import Interval, paired_difference, paired_lift
from shared.errors import DataError
from shared.seeding import rng_for
from shared.system.options import entries, from_flat
from simulations.results.outcomes import shown
from simulations.results.result_document import RESULT_FILE, read_result, read_users
from simulations.results.table import filled, lift_text, markdown_tables, widest

FORMAT = 1
"""Version of what ``to_json`` gives."""

_PAIR = ("platform", "method", "seed", "user")
_COUNTS = ("users", "items", "events", "test_users")


@dataclass(frozen=True, kw_only=True)
class ComparedMethod:
    """One method on one platform in both runs: means over users of NDCG@10, each user's being averaged over seeds."""

    platform: str
    method: str
    seeds: tuple[int, ...]
    """those that both runs have"""
    users: int
    first: float
    second: float
    difference: Interval
    """``second`` minus ``first``"""
    lift: Interval | None
    """the same in percent of ``first``; None where that is 0"""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What two runs have in common, and in what they differ."""

    first: Path
    second: Path
    synthetic: bool
    complete: bool
    """False where one of the runs was stopped before its end"""
    changed: Mapping[str, tuple[object, object]]
    """option or version: its values in the first and in the second run, where they differ"""
    methods: tuple[ComparedMethod, ...]
    only_first: tuple[str, ...]
    """``PLATFORM METHOD`` that the second run has not, or not under a common seed"""
    only_second: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values, as docs/result-format.md names them."""
        return {
            "format": FORMAT,
            "synthetic": self.synthetic,
            "complete": self.complete,
            "first": str(self.first),
            "second": str(self.second),
            "changed": {name: list(values) for name, values in self.changed.items()},
            "methods": [{**asdict(method), "seeds": list(method.seeds)} for method in self.methods],
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class _Run:
    folder: Path
    document: dict[str, Any]
    users: pl.DataFrame


def compare(first: Path, second: Path) -> Comparison:
    """Compare the runs of two folders.

    Args:
        first: a run's folder, or its ``result.json``.
        second: the same of the run that is compared with it.

    Returns:
        What the runs have in common, and in what they differ.

    Raises:
        DataError: if a folder holds no result, or the runs share no platform, prepared one differently, or share no
            method under a common seed.
    """
    runs = _read(first), _read(second)
    shared = [name for name in runs[0].document["platforms"] if name in runs[1].document["platforms"]]
    if not shared:
        names = (", ".join(run.document["platforms"]) or "none" for run in runs)
        raise DataError("the two runs must share a platform; the first has {}, the second {}".format(*names))
    for name in shared:
        _require_same_users(name, *runs)
    pairs = runs[0].users.join(runs[1].users, on=_PAIR, suffix=" of second")
    if pairs.is_empty():
        raise DataError("the two runs must share a method under a common seed on a common platform; they share none")
    compared = _compared(pairs)
    shared_methods = {(method.platform, method.method) for method in compared}
    return Comparison(
        first=runs[0].folder,
        second=runs[1].folder,
        synthetic=bool(runs[0].document["synthetic"]),
        complete=all(run.document["complete"] for run in runs),
        changed=_changed(runs[0].document, runs[1].document),
        methods=compared,
        only_first=_others(runs[0], shared_methods),
        only_second=_others(runs[1], shared_methods),
    )


def _read(folder: Path) -> _Run:
    if folder.name == RESULT_FILE:
        folder = folder.parent
    return _Run(folder=folder, document=read_result(folder / RESULT_FILE), users=read_users(folder))


def _require_same_users(name: str, first: _Run, second: _Run) -> None:
    """Rows of users mean the same people only where the platform was prepared in the same way.

    1. Embedded worlds follow from their first seed. 2. All of the preparation but ``fraction``, at which the test users
    stay the same. 3. What came out of it. 4. The rows that were ranked.
    """
    documents = (first.document, second.document)
    worlds = [
        (document["synthetic"], document["config"].get("seed") if document["synthetic"] else None)
        for document in documents
    ]
    if worlds[0] != worlds[1]:
        described = " and ".join(
            f"an embedded world of seed {seed}" if is_synthetic else "a folder" for is_synthetic, seed in worlds
        )
        raise DataError(f"platform {name!r} must be the same in both runs; found {described}")
    prepared = [_preparation(run.document, name) for run in (first, second)]
    for field in fields(Preparation):
        _require_equal(
            name, field.name.replace("_", "-"), *[getattr(preparation, field.name) for preparation in prepared]
        )
    entries = [run.document["platforms"][name] for run in (first, second)]
    for count in _COUNTS:
        _require_equal(name, count.replace("_", " "), entries[0][count], entries[1][count])
    ranked = [run.users.filter(pl.col("platform") == name).select("seed", "user").unique() for run in (first, second)]
    for seed in sorted(set(ranked[0]["seed"]) & set(ranked[1]["seed"])):
        users = [rows.filter(pl.col("seed") == seed)["user"].sort() for rows in ranked]
        if not users[0].equals(users[1]):
            raise DataError(
                f"platform {name!r} was prepared differently in the two runs: other users under seed {seed}"
            )


def _require_equal(platform: str, what: str, first: object, second: object) -> None:
    if first != second:
        raise DataError(f"platform {platform!r} was prepared differently in the two runs: {what} {first} and {second}")


def _preparation(document: Mapping[str, Any], name: str) -> Preparation:
    config = document["config"]
    specs = {spec.name: spec for spec in map(parse_platform_spec, config.get("platform", []))}
    known = {entry.key: config[entry.path[0]] for entry in entries(SharedPreparation) if entry.path[0] in config}
    known = {"protocol": "position", **known}  # results that do not say it are from before there was another
    shared = from_flat(SharedPreparation, known)
    if name not in specs:
        return from_flat(Preparation, known)
    return replace(specs[name].preparation(shared), fraction=1.0)


def _compared(pairs: pl.DataFrame) -> tuple[ComparedMethod, ...]:
    """Platforms in the order of the first run, methods in that of reports."""
    places = {method: place for place, method in enumerate(shown())}
    groups = pairs.partition_by("platform", "method", as_dict=True, maintain_order=True)
    platforms = list(dict.fromkeys(platform for platform, _ in groups))
    ordered = sorted(
        groups.items(), key=lambda group: (platforms.index(group[0][0]), places.get(group[0][1], len(places)))
    )
    return tuple(_compared_method(str(platform), str(method), rows) for (platform, method), rows in ordered)


def _compared_method(platform: str, method: str, rows: pl.DataFrame) -> ComparedMethod:
    values = rows.group_by("user").agg(pl.col("ndcg@10").mean(), pl.col("ndcg@10 of second").mean()).sort("user")
    first, second = (values[column].to_numpy() for column in ("ndcg@10", "ndcg@10 of second"))
    names = ("compare", platform, method)
    return ComparedMethod(
        platform=platform,
        method=method,
        seeds=tuple(rows["seed"].unique().sort()),
        users=values.height,
        first=float(first.mean()),
        second=float(second.mean()),
        difference=paired_difference(second, first, rng_for(0, *names)),
        lift=paired_lift(second, first, rng_for(0, *names)),
    )


def _changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    before, after = ({**document["config"], **document["versions"]} for document in (first, second))
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _others(run: _Run, shared_methods: set[tuple[str, str]]) -> tuple[str, ...]:
    entries = run.document["platforms"].items()
    return tuple(
        f"{name} {method}"
        for name, entry in entries
        for method in entry["methods"]
        if (name, method) not in shared_methods
    )


COLUMNS = ("platform", "method", "seeds", "users", "first", "second", "difference", "in %")
_IN_MARKDOWN = (
    ("platform", "method", "first", "second", "difference", "in %"),
    ("platform", "method", "seeds", "users"),
)
"""Columns of the two tables: a table of a document has six at most."""
_LESS_WIDE = ((), ("seeds", "users"), ("seeds", "users", "in %"), ("seeds", "users", "in %", "second"))
"""Columns left out, the first set that lets the table fit its console."""


def rich_comparison(comparison: Comparison, width: int) -> Table:
    """The table for a terminal; differences whose interval excludes zero are bold.

    Args:
        comparison: of two runs.
        width: of the terminal, in characters; columns are left out where the table is too wide.

    Returns:
        The table.
    """
    styled_rows = [(row, method.difference.clear_of_zero) for method, row in _rows(comparison)]
    column_choices = [[column for column in COLUMNS if column not in left_out] for left_out in _LESS_WIDE]
    return widest([filled(Table(), COLUMNS, shown, styled_rows) for shown in column_choices], width)


def markdown_comparison(comparison: Comparison) -> str:
    """Every column in Markdown, in two tables, with the lines of ``heading`` above."""
    rows = [row for _, row in _rows(comparison)]
    return "\n".join([*heading(comparison), "", markdown_tables(_IN_MARKDOWN, COLUMNS, rows)])


def heading(comparison: Comparison) -> list[str]:
    """What the numbers are, in what the runs differ, and what only one of them has; a line each."""
    kind = "synthetic world: no real data" if comparison.synthetic else "real folders"
    state = "" if comparison.complete else "; stopped before its end"
    lines = [f"NDCG@10, second minus first, by user, 95 % intervals; {kind}{state}"]
    lines += [f"first: {comparison.first}", f"second: {comparison.second}"]
    lines += [f"changed: {name} from {before} to {after}" for name, (before, after) in comparison.changed.items()]
    for run, others in (("first", comparison.only_first), ("second", comparison.only_second)):
        if others:
            lines.append(f"only in the {run}: {', '.join(others)}")
    return lines


def _rows(comparison: Comparison) -> Iterator[tuple[ComparedMethod, tuple[str, ...]]]:
    for method in comparison.methods:
        yield (
            method,
            (
                method.platform,
                method.method,
                str(len(method.seeds)),
                str(method.users),
                f"{method.first:.4f}",
                f"{method.second:.4f}",
                f"{method.difference.mean:+.4f} [{method.difference.low:+.4f}, {method.difference.high:+.4f}]",
                lift_text(None if method.lift is None else method.lift.to_json()),
            ),
        )
