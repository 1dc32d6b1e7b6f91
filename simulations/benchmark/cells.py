"""Running the benchmark: one run per pair or federation and seed; a finished one is not repeated.

A pair's target is reported at every fraction of its training users.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from shared.errors import ConfigError, InputError
from shared.whole_file import write_whole
from simulations.benchmark.federations import FEDERATIONS, Federation, federation_config
from simulations.benchmark.pairs import MIN_EVENTS, PAIRS, Pair, platform_line
from simulations.methods import LOCAL_METHODS
from simulations.results import PER_USER_FILE, RESULT_FILE, read_result
from simulations.run_command import WORK_FOLDER, Runner, RunStopped, execute
from simulations.run_config import RunConfig

Cell = TypeVar("Cell", Pair, Federation)

FRACTIONS = (1.0, 0.2, 0.05)
PRESET = "wide"
"""of every encoder, the target's own too"""
TRANSFER_METHODS = ("zero-shot", "feature", "model")


def chosen(names: tuple[str, ...]) -> tuple[tuple[Pair, ...], tuple[Federation, ...]]:
    """The pairs and the federations of these names, all where there are none; raises ConfigError for an unknown one."""
    known = {one.name for one in (*PAIRS, *FEDERATIONS)}
    unknown = [name for name in names if name not in known]
    if unknown:
        every = ", ".join(one.name for one in (*PAIRS, *FEDERATIONS))
        raise ConfigError(f"pairs must be of {every}; got {unknown[0]!r}")
    wanted = set(names) or known
    pairs = tuple(pair for pair in PAIRS if pair.name in wanted)
    return pairs, tuple(federation for federation in FEDERATIONS if federation.name in wanted)


def fraction_name(fraction: float) -> str:
    """The name of the target at a fraction, as it stands in a cell's result."""
    return f"at-{fraction:g}"


def cell_folder(out: Path, one: Pair | Federation, seed: int) -> Path:
    """Where the result of a pair or federation and seed lies."""
    return out / one.name / f"seed-{seed}"


def cell_config(pair: Pair | Federation, seed: int, data: Path) -> RunConfig:
    """The run of a pair or federation and seed."""
    if isinstance(pair, Federation):
        return federation_config(pair, seed, data)
    sources = {f"source-{number}": line for number, line in enumerate(pair.sources)}
    targets = [fraction_name(fraction) for fraction in FRACTIONS]
    lines = [platform_line(name, data, line) for name, line in sources.items()]
    lines += [platform_line(fraction_name(one), data, pair.target, f",fraction={one:g}") for one in FRACTIONS]
    return RunConfig.from_dict(
        {
            "source": list(sources),
            "platform": lines,
            "report": targets,
            "methods": [*LOCAL_METHODS, *TRANSFER_METHODS],
            "encoder": PRESET,
            "seed": seed,
            "min_user_events": MIN_EVENTS,
            "min_item_events": MIN_EVENTS,
        }
    )


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a whole result."""
    try:
        return bool(read_result(folder / RESULT_FILE)["complete"])
    except InputError:
        return False


def run_cells(
    pairs: Sequence[Pair | Federation],
    seeds: tuple[int, ...],
    data: Path,
    out: Path,
    say: Callable[[str], None],
    runner: Runner,
) -> None:
    """Run what is not finished, everything under the first seed first; the run in work goes on where it was stopped.

    Raises:
        RunStopped: after Ctrl-C or SIGTERM.
    """
    for seed in seeds:
        for pair in pairs:
            folder = cell_folder(out, pair, seed)
            if is_finished(folder):
                continue
            say(f"{pair.name}, seed {seed}")
            work = out / WORK_FOLDER
            _run_cell(cell_config(pair, seed, data), work, runner)
            _keep(work, folder, data)
            shutil.rmtree(work)


def _run_cell(config: RunConfig, work: Path, runner: Runner) -> None:
    try:
        execute(config, work, runner=runner, say=lambda _step: None, force=True, resume=True)
    except RunStopped as stopped:
        raise RunStopped("stopped; the same command goes on", code=stopped.code) from None


def _keep(work: Path, folder: Path, data: Path) -> None:
    """What a table needs of a run, the result last; platforms are named from the data folder on, wherever that lies."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PER_USER_FILE, (work / PER_USER_FILE).read_bytes())
    result = read_result(work / RESULT_FILE)
    lines = [line.replace(f"={data}/", "=", 1) for line in result["config"]["platform"]]
    kept = {**result, "config": {**result["config"], "platform": lines}}
    write_whole(folder / RESULT_FILE, f"{json.dumps(kept, indent=1, allow_nan=False)}\n".encode())


def finished(pairs: Sequence[Cell], out: Path) -> Iterator[tuple[Cell, int, Path]]:
    """(pair or federation, seed, folder) of every finished run, in their order."""
    for pair in pairs:
        folders = sorted((out / pair.name).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-")))
        for folder in folders:
            if is_finished(folder):
                yield pair, int(folder.name.removeprefix("seed-")), folder
