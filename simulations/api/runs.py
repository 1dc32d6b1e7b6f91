"""A run of a federation on this machine, and its results as data frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from client.api.python_words import in_python_words
from shared.system.settings_file import read_toml
from simulations.config.run_config import RunConfig, of_today
from simulations.report.export import methods_table
from simulations.report.html_report import REPORT_FILE
from simulations.results.result_document import RESULT_FILE, read_result, read_users
from simulations.run.run_command import execute
from simulations.run.whole_run import run
from simulations.run.workers import cores

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RunResults:
    """What a run found."""

    folder: Path
    document: Mapping[str, Any]
    """``result.json``, whose names are in docs/result-format.md"""

    @property
    def methods(self) -> pl.DataFrame:
        """A row for each platform, method and seed, with its metrics, lift over ``local``, and what is served."""
        return methods_table(self.document)

    @property
    def users(self) -> pl.DataFrame:
        """A row for each platform, method, seed and user, with NDCG@10; raises DataError where the file is broken."""
        return read_users(self.folder)

    @property
    def report(self) -> Path:
        """The page for a browser."""
        return self.folder / REPORT_FILE

    def __repr__(self) -> str:
        table = self.methods
        sizes = ", ".join(_counted(table[name].n_unique(), name) for name in ("platform", "method"))
        return f"{type(self).__name__} {self.folder}: {sizes}; report {self.report}"


@in_python_words()
def simulate(
    out: str | Path,
    config: Mapping[str, Any] | str | Path | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    jobs: int | None = None,
    say: Say | None = None,
    **options: Any,
) -> RunResults:
    """Run a federation on this machine, as ``graft-sim run`` does; without platforms, on the synthetic world.

    Args:
        out: a new folder for result.json, per_user.parquet and report.html.
        config: a TOML file, or a mapping of options; None: all have their defaults.
        force: begin anew in a folder that holds files.
        resume: go on where the same run was stopped.
        jobs: platforms worked on at the same time; it changes no figure. None: as many as there are cores.
        say: hears each step as it begins, in words.
        options: those of the command, with underscores; they win over ``config``. ``source``, ``platform`` (a list of
            ``NAME=DIR[,option=value...]``), ``methods``, ``rounds``, ``seeds``, ``encoder``, ...

    Returns:
        What was found, with tables and the path of the report.

    Raises:
        InputError: if an option or a platform's data are wrong, or ``out`` holds something else.
        RunStopped: after Ctrl-C, once what was ready has been written.
    """
    config_options = read_toml(Path(config)) if isinstance(config, str | Path) else dict(config or {})
    run_config = RunConfig.from_dict(of_today(config_options) | of_today(options))
    heard = _silent if say is None else say
    runner = partial(run, jobs=jobs or cores())
    document = execute(run_config, Path(out), runner=runner, say=heard, force=force, resume=resume)
    return RunResults(folder=Path(out), document=document)


def read_results(folder: str | Path) -> RunResults:
    """Read what a run of ``simulate`` or ``graft-sim run`` found; raises DataError where there is no result."""
    place = Path(folder)
    return RunResults(folder=place, document=read_result(place / RESULT_FILE))


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _silent(_sentence: str) -> None:
    pass
