"""``local`` under a global time split beside what others publish, each peer tuned on validation baskets.

``python -m benchmarks.time_peers DATA OUT [--seeds N] [--write FILE]``: popularity in a window, item-knn and iALS of
implicit, EASE and SASRec of RecTools, in an environment that this script makes under build/peers. 5 events a user and
an item at least, every test basket ranked over the whole catalogue. The answer of one of them on a platform under a
seed is a file in OUT, and is not computed again. docs/decisions/0046 says what each is given.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.environments import ENVIRONMENTS, drive
from benchmarks.peers.time_course import TimeCourse
from benchmarks.peers.time_table import OURS, Cell, table
from benchmarks.time_platforms import PLATFORMS, TIME_SPLIT, arguments, cell_file, computed_once, prepared_platform, say
from client.data.held_out import Stage
from client.data.platform import Platform, examples, frozen
from client.data.sequences import events_before
from client.ensemble.candidates import LOCAL
from client.ensemble.fitting import FittedStacks, rank_all
from client.ensemble.gaps import stacked
from client.evaluation.ranking import by_user
from client.fitting.platform_fit import PlatformFit
from client.transfer.local import STACK
from client.transfer.method import Encoders
from client.transfer.part_settings import PartSettings
from shared.errors import DataError

LINES = {**PLATFORMS, "gowalla_nyc, repeats": "gowalla_nyc,max-users=2000,repeats=keep"}
"""1,500 users would leave it 266 warm test users."""
PRESET = "small"
"""Of the encoder that ``local`` trains alone."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How a peer is asked."""

    module: str
    """under benchmarks.peers"""
    budget: float
    """processor seconds of tuning after which no further setting is tried"""
    environment: str | None = "rectools"
    """None: the one that this script runs in"""


DRIVERS = {
    "window popularity": Driver(module="window_popularity", budget=120, environment=None),
    "item-knn": Driver(module="implicit_item_knn", budget=120),
    "EASE": Driver(module="rectools_ease", budget=240),
    "iALS": Driver(module="implicit_als", budget=120),
    "SASRec": Driver(module="rectools_time_sasrec", budget=120),
}


def ours(data: Path, line: str, seed: int) -> dict[str, Any]:
    """``local``, and the stack of computed scorers alone; who is warm; what tells why."""
    begun = time.process_time()
    prepared = prepared_platform(data, line, TIME_SPLIT, seed)
    fit = PlatformFit(prepared, Encoders(), (LOCAL, STACK.name), PartSettings(preset=PRESET), seed=seed)
    fit.train()
    fit.stack()
    by_method: dict[str, dict[str, Any]] = {
        name: {"summary": fit.stacks.summary_of(name)} for name in (LOCAL, STACK.name)
    }
    for when, figures in _figures(fit.stacks, prepared.platform).items():
        for name, values in figures.items():
            by_method[name][when] = values
    return {
        **by_method,
        "warm": warm(prepared.platform),
        "columns": fit.stacks.scorer_values(),
        "weights": fit.stacks.weights_of(LOCAL),
        "seconds": time.process_time() - begun,
    }


def _figures(stacks: FittedStacks, platform: Platform) -> dict[str, dict[str, list[float]]]:
    """``live`` and ``frozen`` to method to NDCG@10 by test user."""
    cut = platform.held_out.frozen_at
    if cut is None:
        raise ValueError("expected a platform under a time split; found another protocol")
    tests = examples(platform, Stage.TEST, np.arange(platform.n_users))
    weights = stacked([stacks.chosen[name].by_gap for name in (LOCAL, STACK.name)])
    figures = {}
    for when, held_out in {"live": tests, "frozen": frozen(tests, cut)}.items():
        rankings = rank_all(stacks.ensemble, weights, held_out)
        values = [by_user(ranking.ndcg, ranking.users).tolist() for ranking in rankings]
        figures[when] = dict(zip((LOCAL, STACK.name), values, strict=True))
    return figures


def warm(platform: Platform) -> list[bool]:
    """Of each test user, whether an event of theirs comes before the second cut: what is fitted there knows them."""
    cut = platform.held_out.frozen_at
    users = np.unique(platform.held_out.targets[Stage.TEST].users)
    before = events_before(platform.sequences, np.inf if cut is None else cut)
    return [bool(count) for count in before[users]]


def answered(part: str, data: Path, line: str, out: Path, seed: int) -> dict[str, Any]:
    """Ours or a peer's answer on a platform."""
    return ours(data, line, seed) if part == OURS else asked_peer(part, data, line, out, seed)


def asked_peer(name: str, data: Path, line: str, out: Path, seed: int) -> dict[str, Any]:
    """The peer's answer.

    Raises:
        DataError: where it fails.
    """
    driver = DRIVERS[name]
    scratch = (out / "scratch" / driver.module).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    course, answer_file, words = (scratch / file for file in ("course.npz", "answer.json", "words.log"))
    TimeCourse.of(prepared_platform(data, line, TIME_SPLIT, seed).platform, seed).write(course)
    flags = [str(course), str(answer_file), f"--seed={seed}", f"--budget={driver.budget}"]
    environment = ENVIRONMENTS[driver.environment] if driver.environment else None
    with words.open("w") as log:
        code = drive(driver.module, environment, flags, scratch=scratch, threads=1, out=log, errors=log)
    if code:
        raise DataError(f"{name} ended with code {code} on {line}; its last words are in {words}")
    answer: dict[str, Any] = json.loads(answer_file.read_text())
    return answer


def cells(data: Path, out: Path, seeds: Iterable[int], chosen: Mapping[str, str]) -> list[Cell]:
    """Everything on every platform, what is cheap first."""
    answered_cells = []
    for seed in seeds:
        for part in (OURS, *DRIVERS):
            folder = out / part.replace(" ", "_")
            folder.mkdir(parents=True, exist_ok=True)
            for name, line in chosen.items():
                file = cell_file(folder, line, TIME_SPLIT, seed)
                held = computed_once(file, partial(answered, part, data, line, out, seed))
                answered_cells.append(Cell(platform=name, part=part, seed=seed, answer=held))
    return answered_cells


def main() -> None:
    """Compute what is missing, and print the table."""
    parser = arguments(__doc__, seeds=1)
    parser.add_argument(
        "--only", nargs="+", metavar="PLATFORM", choices=[*LINES], default=[*LINES], help=", ".join(LINES)
    )
    options = parser.parse_args()
    all_cells = cells(options.data, options.out, range(options.seeds), {name: LINES[name] for name in options.only})
    say(table(all_cells), options.write)


if __name__ == "__main__":
    main()
