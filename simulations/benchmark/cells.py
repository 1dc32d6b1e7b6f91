"""Running the benchmark: one run per pair and seed, its target at every fraction; a finished one is not repeated."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from shared.errors import InputError
from simulations.benchmark.pairs import Pair, platform_line
from simulations.methods import LOCAL_METHODS
from simulations.results import RESULT_FILE, read_result
from simulations.run_command import WORK_FOLDER, Runner, execute
from simulations.run_config import RunConfig

FRACTIONS = (1.0, 0.2, 0.05)
TRANSFER_METHODS = ("zero-shot", "feature", "model")
MIN_EVENTS = 5


def fraction_name(fraction: float) -> str:
    """The name of the target at a fraction, as it stands in a cell's result."""
    return f"at-{fraction:g}"


def cell_folder(out: Path, pair: Pair, seed: int) -> Path:
    """Where the result of a pair and seed lies."""
    return out / pair.name / f"seed-{seed}"


def cell_config(pair: Pair, seed: int, data: Path) -> RunConfig:
    """The run of a pair and seed."""
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
    pairs: tuple[Pair, ...],
    seeds: tuple[int, ...],
    data: Path,
    out: Path,
    say: Callable[[str], None],
    runner: Runner,
) -> None:
    """Run what is not finished, all pairs under the first seed first; Ctrl-C loses the pair in work alone."""
    for seed in seeds:
        for pair in pairs:
            folder = cell_folder(out, pair, seed)
            if is_finished(folder):
                continue
            say(f"{pair.name}, seed {seed}")
            work = out / WORK_FOLDER
            execute(
                cell_config(pair, seed, data),
                work,
                runner=runner,
                say=lambda _step: None,
                force=True,
            )
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("per_user.parquet", RESULT_FILE):
                shutil.copyfile(work / name, folder / name)
            shutil.rmtree(work)


def finished(pairs: tuple[Pair, ...], out: Path) -> Iterator[tuple[Pair, int, Path]]:
    """(pair, seed, folder) of every finished run, by pair and seed."""
    for pair in pairs:
        folders = sorted((out / pair.name).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-")))
        for folder in folders:
            if is_finished(folder):
                yield pair, int(folder.name.removeprefix("seed-")), folder
