"""``graft-sim run``: run a federation."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from client.features.item_features import CHOICES as FEATURE_SPACES


def run(
    source: Annotated[
        str | None, typer.Option(help="The platform that pretrains, or several with commas between them.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=DIR[,fraction=F][,train-users=N][,max-users=N][,users=A-B][,items=A-B][,time=A-B][,min-rating=R]"
            "[,repeats=keep][,order=none]; once for each. Without any: a synthetic world."
        ),
    ] = None,
    methods: Annotated[str | None, typer.Option(help="Names with commas between them [all].")] = None,
    report: Annotated[str | None, typer.Option(help="Platforms to report, commas between them [all].")] = None,
    rounds: Annotated[int | None, typer.Option(help="Training rounds [12; 4 for the synthetic world].")] = None,
    seed: Annotated[int | None, typer.Option(help="The first seed [0].")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds [1].")] = None,
    min_user_events: Annotated[int | None, typer.Option(help="Users with fewer events are dropped [3].")] = None,
    min_item_events: Annotated[int | None, typer.Option(help="Items with fewer events are dropped [1].")] = None,
    features: Annotated[str | None, typer.Option(help=f"{FEATURE_SPACES} \\[hashing].")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="tiny, nano, small or wide [small; tiny for the synthetic world].")
    ] = None,
    adapters: Annotated[
        str | None, typer.Option(help="lora:RANK: updates travel as low-rank adapters, model trains them [none].")
    ] = None,
    updates: Annotated[
        str | None, typer.Option(help="whole, or steps: updates travel as a byte a number of what changed [whole].")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Who teaches under knowledge: encoder (the tuned one) or stack [encoder].")
    ] = None,
    alignment: Annotated[
        str | None, typer.Option(help="While tuning: off, probe:WEIGHT, coral:WEIGHT or gate, all three compete [off].")
    ] = None,
    moments_weight: Annotated[
        float | None,
        typer.Option(help="How often an own pair counts when model moves an encoder's linear part [0: it stays]."),
    ] = None,
    clicks: Annotated[
        str | None, typer.Option(help="on or off: predict clicks where a platform has impressions [on].")
    ] = None,
    plugin: Annotated[
        Path | None, typer.Option(help="A Python file with scorers or an aggregation of your own; docs/plugins.md.")
    ] = None,
    aggregation: Annotated[
        str | None, typer.Option(help="fedavg, or one of the plugin's [fedavg; the plugin's where it has one].")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="How much a platform counts in a round: uniform, sqrt-users or helpfulness, by what its moments and "
            "those of the others are worth to each other [uniform]."
        ),
    ] = None,
    cold_start: Annotated[
        str | None, typer.Option(help="Platforms to report with 10, 30, 100 and 300 training users too.")
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(help="Re-rank what is served for unlike items, 0 to 1 [0: not].")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with options of the same names; flags win.")] = None,
    out: Annotated[Path, typer.Option(help="A new folder for the results.")] = Path("out/run"),
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json instead of the table.")] = False,
    force: Annotated[bool, typer.Option(help="Begin anew in a folder that holds files.")] = False,
    resume: Annotated[
        bool, typer.Option(help="Go on where the same run was stopped; begin it in a new folder.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Platforms worked on at the same time; changes no figure [all cores].")
    ] = None,
) -> None:
    """Run a federation and write result.json, per_user.parquet and report.html."""
    from simulations.config.run_config import RunConfig, read_config_file
    from simulations.report.html_report import REPORT_FILE
    from simulations.results.clicks import clicks_table
    from simulations.results.result_document import RESULT_FILE
    from simulations.results.table import rich_table
    from simulations.run.run_command import execute
    from simulations.run.whole_run import run as run_methods
    from simulations.run.workers import cores

    flags = {
        "source": source,
        "platform": platform or None,
        "methods": methods,
        "report": report,
        "rounds": rounds,
        "seed": seed,
        "seeds": seeds,
        "min_user_events": min_user_events,
        "min_item_events": min_item_events,
        "features": features,
        "encoder": encoder,
        "adapters": adapters,
        "updates": updates,
        "teacher": teacher,
        "alignment": alignment,
        "moments_weight": moments_weight,
        "clicks": clicks,
        "plugin": None if plugin is None else str(plugin),
        "aggregation": aggregation,
        "weights": weights,
        "cold_start": cold_start,
        "diversity": diversity,
    }
    errors = Console(stderr=True, highlight=False)
    from_file = {} if config is None else read_config_file(config)
    from_file = {name.replace("-", "_"): value for name, value in from_file.items()}
    given = {name: value for name, value in flags.items() if value is not None}
    document = execute(
        RunConfig.from_dict(from_file | given),
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
