"""``graft-sim run``: run a federation."""

import json
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from shared.errors import ConfigError, os_error_as
from shared.system.command_options import Given, say, with_options
from shared.system.options import assigned
from shared.system.settings_file import read_toml
from simulations.cli.round_values import RoundValues
from simulations.config.run_config import RunConfig, of_today

DRIFT = "drift"


@with_options
def run(
    options: Annotated[dict[str, Any], Given(RunConfig, deployed=False)],
    settings: RoundValues = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file with options of the same names; flags win. Default: none."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the results.")] = Path("out/run"),
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json in place of the table.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew in a folder that holds files.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same run was stopped; begin it in a new folder.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Platforms worked on at the same time; changes no figure. Default: one for each core."
        ),
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(
            metavar="drift",
            help="Tell a story in place of a federation: drift, a shop whose users' tastes shift while it serves, with "
            "and without adaptation; result.json and drift.png. Of the options it takes --seed, --out, --force and "
            "--json.",
        ),
    ] = "",
) -> None:
    """Run a federation and write result.json, per_user.parquet and report.html."""
    if scenario:
        others = [*options, *(["config"] if config else []), *(["set"] if settings else [])]
        others += [name for name, is_given in (("resume", resume), ("jobs", jobs is not None)) if is_given]
        tell_story(scenario, options.get("seed", 0), set(others) - {"seed"}, out, force=force, as_json=as_json)
        return
    from simulations.report.html_report import REPORT_FILE
    from simulations.results.result_document import RESULT_FILE
    from simulations.results.table import clicks_table, rich_table
    from simulations.run.run_command import execute
    from simulations.run.whole_run import run as run_methods
    from simulations.run.workers import cores

    errors = Console(stderr=True, highlight=False)
    document = execute(
        asked_config({} if config is None else read_toml(config), options, settings or ()),
        out,
        runner=partial(run_methods, jobs=jobs or cores()),
        say=errors.print,
        force=force,
        resume=resume,
    )
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return
    terminal = Console()
    terminal.print(rich_table(document, terminal.width))
    if (of_clicks := clicks_table(document)) is not None:
        terminal.print(of_clicks)
    errors.print(f"{out / RESULT_FILE} and {REPORT_FILE} beside it")


def tell_story(scenario: str, seed: int, others: set[str], out: Path, *, force: bool, as_json: bool) -> None:
    """Tell a scenario's story and write it.

    Args:
        scenario: its name.
        seed: of its draws.
        others: names of further options that were given.
        out: the folder of its files.
        force: whether files of before may lie there.
        as_json: whether result.json is printed.

    Raises:
        ConfigError: if there is no such scenario, it does not take an option, or the folder holds files.
    """
    from simulations.report.drift_curve import write_drift_curve
    from simulations.results.result_document import RESULT_FILE
    from simulations.run.drift_scenario import drift_story

    if scenario != DRIFT:
        raise ConfigError(f"scenario must be {DRIFT}; got {scenario!r}")
    if others:
        raise ConfigError(f"scenario {DRIFT} takes no option {min(others)}")
    if out.exists() and any(out.iterdir()) and not force:
        raise ConfigError(f"{out}: holds files; name a new folder, or say --force")
    errors = Console(stderr=True, highlight=False)
    story = drift_story(seed, errors.print)
    document = story.to_json()
    with os_error_as(ConfigError, f"{out}: cannot be written"):
        out.mkdir(parents=True, exist_ok=True)
        (out / RESULT_FILE).write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        write_drift_curve(document, out / "drift.png")
    sys.stdout.write(json.dumps(document, indent=1) + "\n" if as_json else f"{story.words}\n")


def asked_config(file: Mapping[str, Any], options: Mapping[str, Any], settings: Iterable[str]) -> RunConfig:
    """From a TOML file, flags that win over it, and ``KEY=VALUE`` texts that win over both; raises ConfigError."""
    return RunConfig.from_dict(of_today(file, say) | dict(options) | assigned(RunConfig, settings, say))
