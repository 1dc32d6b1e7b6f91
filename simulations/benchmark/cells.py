"""Running the benchmark: one run per entry of its grid and seed; a finished one is not repeated.

A pair's target is reported at every fraction of its training users.
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from client.transfer.table import local_methods, names_of
from shared.errors import ConfigError, InputError
from shared.system.file_lock import claim
from shared.system.whole_file import write_whole
from simulations.benchmark.federations import FEDERATIONS, Federation, federation_config
from simulations.benchmark.pairs import FRACTIONS, MINIMA, PAIRS, Pair, fraction_name, platform_line
from simulations.benchmark.three_way import THREE_WAYS, ThreeWay, three_way_config
from simulations.config.run_config import RunConfig
from simulations.platforms.run_platforms import check_folders
from simulations.results.result_document import PER_USER_FILE, RESULT_FILE, read_result
from simulations.run.run_command import Runner, execute
from simulations.run.run_folder import WORK_FOLDER
from simulations.run.termination import RunStopped

Entry = Pair | Federation | ThreeWay
Kind = TypeVar("Kind", Pair, Federation, ThreeWay)

PRESET = "wide"
"""of every encoder, the target's own too"""
PRETRAINED_FOLDER = "pretrained"
"""beside the cells: each source's encoder under a seed, for all entries that begin with it"""
_LOCK = ".benchmark.lock"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is run, by its kind; each kind has a table of its own."""

    pairs: tuple[Pair, ...] = PAIRS
    federations: tuple[Federation, ...] = FEDERATIONS
    three_ways: tuple[ThreeWay, ...] = THREE_WAYS

    def entries(self) -> tuple[Entry, ...]:
        """All, in the order in which they are run."""
        return (*self.pairs, *self.federations, *self.three_ways)

    def only(self, names: Collection[str]) -> "Grid":
        """The entries of these names, all where there are none; raises ConfigError for an unknown one."""
        known = [entry.name for entry in self.entries()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigError(f"pairs must be of {', '.join(known)}; got {unknown[0]!r}")
        chosen = set(names or known)
        return Grid(
            pairs=tuple(pair for pair in self.pairs if pair.name in chosen),
            federations=tuple(federation for federation in self.federations if federation.name in chosen),
            three_ways=tuple(three_way for three_way in self.three_ways if three_way.name in chosen),
        )


def cell_folder(out: Path, entry: Entry, seed: int) -> Path:
    """Where the result of an entry and seed lies.

    Args:
        out: the benchmark's folder.
        entry: of its grid.
        seed: of the run.

    Returns:
        The folder; it need not be there.
    """
    return out / entry.name / f"seed-{seed}"


def cell_config(entry: Entry, seed: int, data: Path) -> RunConfig:
    """The run of an entry and seed.

    Args:
        entry: of the grid.
        seed: of the run.
        data: the folder that the platforms' folders lie in.

    Returns:
        The config of the run.
    """
    if isinstance(entry, Federation):
        return federation_config(entry, seed, data)
    if isinstance(entry, ThreeWay):
        return three_way_config(entry, seed, data, PRESET)
    return _pair_config(entry, seed, data)


def _pair_config(pair: Pair, seed: int, data: Path) -> RunConfig:
    sources = {f"source-{number}": line for number, line in enumerate(pair.sources)}
    targets = [fraction_name(fraction) for fraction in FRACTIONS]
    lines = [platform_line(name, data, line) for name, line in sources.items()]
    lines += [
        platform_line(fraction_name(fraction), data, pair.target, f",fraction={fraction:g}") for fraction in FRACTIONS
    ]
    return RunConfig.from_dict(
        {
            "source": list(sources),
            "platform": lines,
            "report": targets,
            "methods": [*local_methods(), *names_of(lambda method: method.in_benchmark)],
            "encoder": PRESET,
            "features": pair.features,
            "seed": seed,
            **MINIMA,
        }
    )


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a whole result."""
    try:
        return bool(read_result(folder / RESULT_FILE)["complete"])
    except InputError:
        return False


def run_cells(
    entries: Sequence[Entry],
    seeds: tuple[int, ...],
    data: Path,
    out: Path,
    say: Callable[[str], None],
    runner: Runner,
) -> None:
    """Run what is not finished, everything under the first seed first; the run in work goes on where it was stopped.

    Args:
        entries: of the grid, in the order in which they are run.
        seeds: under each of which every entry is run.
        data: the folder that the platforms' folders lie in.
        out: the benchmark's folder, which gets a folder for each entry and seed.
        say: gets a line for each run that begins.
        runner: does a run.

    Raises:
        ConfigError: before the first run, if the folder of any platform is missing, or a benchmark works in ``out``.
        RunStopped: after Ctrl-C or SIGTERM.
    """
    cells = [(entry, seed) for seed in seeds for entry in entries]
    waiting = [cell for cell in cells if not is_finished(cell_folder(out, *cell))]
    for entry, seed in waiting:
        check_folders(cell_config(entry, seed, data))
    if not waiting:
        return
    with claim(out / PRETRAINED_FOLDER / _LOCK, f"{out}: a benchmark works in it already"):
        for entry, seed in waiting:
            say(f"{entry.name}, seed {seed}")
            work = out / WORK_FOLDER
            _run_cell(cell_config(entry, seed, data), work, runner)
            _keep(work, cell_folder(out, entry, seed), data)
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
    portable = {**result, "config": {**result["config"], "platform": lines}}
    write_whole(folder / RESULT_FILE, f"{json.dumps(portable, indent=1, allow_nan=False)}\n".encode())


def finished(entries: Sequence[Kind], out: Path) -> Iterator[tuple[Kind, int, Path]]:
    """Every finished run of these entries, in their order.

    Args:
        entries: of the grid.
        out: the benchmark's folder.

    Returns:
        (entry, seed, folder) of each; seeds of an entry ascend.
    """
    for entry in entries:
        for folder in sorted((out / entry.name).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-"))):
            if is_finished(folder):
                yield entry, int(folder.name.removeprefix("seed-")), folder
