"""``graft-sim``: experiments on one machine."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from client.features.item_features import CHOICES as FEATURE_SPACES
from client.gate.known_pairs import write_pairs
from shared.errors import GraftError, InputError
from shared.system.whole_file import write_whole
from simulations.benchmark.bars import Evidence, bars_table, served_below_local
from simulations.benchmark.cells import PRETRAINED_FOLDER, Grid, finished, run_cells
from simulations.benchmark.federation_table import federation_figures, federation_table
from simulations.benchmark.foretold import clear_answers, foretold, foretold_table, measured_cells
from simulations.benchmark.table import cells, class_table, pair_table
from simulations.benchmark.three_way import three_way_table
from simulations.cli.world import write_world
from simulations.config.run_config import RunConfig, read_config_file
from simulations.report.comparison import compare as compare_runs
from simulations.report.comparison_table import heading, markdown_comparison, rich_comparison
from simulations.report.export import export_csv
from simulations.report.html_report import REPORT_FILE, write_report
from simulations.results.clicks import clicks_table
from simulations.results.result_document import RESULT_FILE, read_result
from simulations.results.table import markdown_table, rich_table
from simulations.run.run_command import RunStopped, execute
from simulations.run.whole_run import run as run_methods
from simulations.run.workers import cores

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

_INPUT, _FAILED, _INTERRUPTED = 2, 1, 130
"""Exit codes; the last is that of a program ended by Ctrl-C."""


@app.callback()
def about() -> None:
    """Run whole federations on one machine and report what transfer was worth."""


@app.command()
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


@app.command()
def report(
    out: Annotated[Path, typer.Argument(help="The folder of a run.")],
    markdown: Annotated[bool, typer.Option(help="Print the table as Markdown.")] = False,
) -> None:
    """Write report.html again from result.json."""
    document = read_result(out / RESULT_FILE)
    write_report(document, out / REPORT_FILE)
    if markdown:
        sys.stdout.write(markdown_table(document))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The folder of a run.")],
    second: Annotated[Path, typer.Argument(help="The folder of the run that is compared with it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON instead.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print the table as Markdown instead.")] = False,
) -> None:
    """Compare two runs by user: differences of NDCG@10 on each platform under each method, with 95 % intervals.

    Both runs must have prepared the platforms that they share in the same way; fraction alone may differ.
    """
    comparison = compare_runs(first, second)
    if as_json:
        sys.stdout.write(json.dumps(comparison.to_json(), indent=1, allow_nan=False) + "\n")
        return
    if markdown:
        sys.stdout.write(markdown_comparison(comparison))
        return
    terminal = Console(highlight=False)
    terminal.print("\n".join(heading(comparison)), markup=False)
    terminal.print(rich_comparison(comparison, terminal.width))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The folder of a run.")],
    csv: Annotated[
        Path, typer.Option(help="A file whose name ends in .csv for the methods' table, or a folder for both tables.")
    ],
) -> None:
    """Write a run's figures as CSV: a row per platform, method and seed; into a folder also one per user."""
    for file in export_csv(out, csv):
        sys.stdout.write(f"{file}\n")


@app.command()
def benchmark(
    data: Annotated[Path, typer.Argument(help="The folder that holds the platform folders.")],
    pairs: Annotated[
        str | None, typer.Option(help="Names of pairs, federations and comparisons of ways, commas between them [all].")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0.")] = 3,
    out: Annotated[Path, typer.Option(help="Where finished cells lie and new ones go.")] = Path("out/benchmark"),
    tables: Annotated[bool, typer.Option(help="Only print the tables of what is finished.")] = False,
    known_pairs: Annotated[
        Path | None, typer.Option(help="Also write what graft-client assess should know of the pairs to this file.")
    ] = None,
) -> None:
    """Run the grid of pairs, federations and ways, leaving out what is finished; print its tables in Markdown."""
    grid = Grid().only([name.strip() for name in (pairs or "").split(",") if name.strip()])
    if not tables:
        say = Console(stderr=True, highlight=False).print
        runner = partial(run_methods, jobs=cores(), pretrained=out / PRETRAINED_FOLDER)
        run_cells(grid.entries(), tuple(range(seeds)), data, out, say, runner)
    found = cells(finished(grid.pairs, out))
    measured = measured_cells(finished(grid.pairs, out))
    if known_pairs is not None:
        write_whole(known_pairs, write_pairs(known for known, _ in measured).encode("utf-8"))
    said = foretold(measured)
    together = federation_figures(finished(grid.federations, out))
    ways = three_way_table(list(finished(grid.three_ways, out)))
    below = served_below_local(finished(grid.pairs, out))
    asked = bars_table(Evidence(cells=found, served_below=below, federations=together, answers=clear_answers(said)))
    shown = (class_table(found), pair_table(found), federation_table(together), ways, foretold_table(said))
    sys.stdout.write("\n".join((asked, *shown)))


@app.command()
def world(
    out: Annotated[Path, typer.Option(help="The folder to which a folder for each platform is added.")],
    drift: Annotated[float, typer.Option(help="How far trades lie apart, 0 to 1.")] = 0.2,
    share: Annotated[float, typer.Option(help="Share of each platform's users, above 0 and up to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
) -> None:
    """Write the synthetic platforms as folders: a news site, two shops, a film service and a tiny shop."""
    for line in write_world(out, drift=drift, share=share, seed=seed):
        typer.echo(line)


def main() -> None:
    """The command; bad input is one sentence and exit code 2."""
    try:
        app()
    except RunStopped as stopped:
        sys.exit(_say(str(stopped), stopped.code))
    except KeyboardInterrupt:
        sys.exit(_say("stopped", _INTERRUPTED))
    except InputError as error:
        sys.exit(_say(f"graft-sim: {error}", _INPUT))
    except GraftError as error:
        sys.exit(_say(f"graft-sim: {error}", _FAILED))


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code
