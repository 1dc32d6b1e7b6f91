"""The command ``graft-client``: wiring only.

What fits and answers takes seconds to import: a command imports it for itself, and the others start at once.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from client.cli.agent_commands import add_agent_commands
from client.cli.privacy_commands import add_privacy_commands
from client.cli.recommend_commands import add_recommend_commands
from client.data.check import check_folder
from client.data.importers.csv_map import CsvMap, import_csv, parse_columns
from client.data.importers.table import IMPORTERS, Importer, Read, import_platform
from client.data.spec import FOLDER_HELP, parse_folder
from client.features.item_features import CHOICES as FEATURE_SPACES
from shared.encoder.presets import PRESETS
from shared.system.command_line import USAGE_ERROR, run_command

app = typer.Typer(
    name="graft-client",
    help="A platform's side of Graft: its data never leaves it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
imports = typer.Typer(
    help="Turn a data set as it is distributed, or your own tables, into a platform folder.",
    no_args_is_help=True,
)
app.add_typer(imports, name="import")
add_recommend_commands(app)
add_privacy_commands(app)
add_agent_commands(app)

PlatformLine = Annotated[str, typer.Argument(metavar="DIR[,option=value...]", help=f"Which platform: {FOLDER_HELP}")]
SourcePath = Annotated[Path, typer.Argument(metavar="SOURCE", help="The folder, zip, gz or file, packed or unpacked.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The platform folder to make.")]
Also = Annotated[
    list[Path] | None,
    typer.Option("--also", metavar="PATH", help="A further file or folder of the same data set; may be repeated."),
]
OnlyUsed = Annotated[
    bool, typer.Option("--only-used-items", help="Leave out items that no event or impression mentions.")
]
FEATURES_HELP = f"Feature space: {FEATURE_SPACES}."
Force = Annotated[bool, typer.Option("--force", help="Replace DIR if it is a platform folder already.")]


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The platform folder, or an SQL source's file.")],
    limit: Annotated[int, typer.Option(min=1, help="How many rows of a kind are listed; all are counted.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Count a platform folder and list all that breaks the data contract, with file, row and column.

    Rows count from 0. Ends with 0 if nothing was found, with 2 otherwise.
    """
    report = check_folder(folder, limit=limit)
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(report.lines()))
    if not report.sound:
        raise typer.Exit(USAGE_ERROR)


@app.command()
def pretrain(
    folder: PlatformLine,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The encoder file to write.")],
    encoder: Annotated[str, typer.Option(help=f"Size of the encoder: {', '.join(PRESETS)}.")] = "small",
    features: Annotated[str, typer.Option(help=FEATURES_HELP)] = "hashing",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    min_user_events: Annotated[int, typer.Option(help="Users with fewer events are left out.")] = 3,
    min_item_events: Annotated[int, typer.Option(help="Items with fewer events are left out.")] = 1,
) -> None:
    """Pretrain an encoder on a platform folder and write it to a file that holds no user and no item."""
    from client.cli.pretrain import pretrain_folder

    spec = parse_folder(folder)
    preparation = spec.preparation(min_user_events, min_item_events)
    outcome = pretrain_folder(spec.path, out, preparation=preparation, features=features, preset=encoder, seed=seed)
    typer.echo(
        f"{out}: {outcome.parameters:,} parameters after {outcome.epochs} epochs, "
        f"validation NDCG@10 {outcome.best_validation:.4f}"
    )


@app.command()
def assess(
    folder: PlatformLine,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file on offer.")],
    features: Annotated[str, typer.Option(help=FEATURES_HELP)] = "hashing",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    min_user_events: Annotated[int, typer.Option(help="Users with fewer events are left out.")] = 3,
    min_item_events: Annotated[int, typer.Option(help="Items with fewer events are left out.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the assessment as JSON.")] = False,
) -> None:
    """Say before joining what `fit` would serve with this encoder, and whether joining is worth it.

    Nothing leaves the machine. Fits as `fit` does and stores nothing: of a large platform, `DIR,max-users=1500` is
    assessed sooner. The platform's users must be others than those the encoder was pretrained on: of users
    whom it has seen it promises too much.
    """
    from client.cli.fit import platform_fitting
    from client.fitting.assess import assess_platform

    chosen = platform_fitting(folder, features, seed, min_user_events, min_item_events, took_part=False)
    found = assess_platform(chosen.data, encoder, chosen.settings)
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(found.lines()))


def _add_format(name: str, importer: Importer) -> None:
    """A command of its own for a format that needs no options of its own."""

    def command(
        source: SourcePath, out: Out, also: Also = None, only_used_items: OnlyUsed = False, force: Force = False
    ) -> None:
        _import(importer.read, (source, *(also or ())), out, only_used=only_used_items, force=force)

    imports.command(name, help=f"{importer.summary} SOURCE is the folder, zip, gz or file, packed or not.")(command)


for _name, _importer in IMPORTERS.items():
    if _name != "csv":
        _add_format(_name, _importer)


@imports.command(
    "csv",
    help=f"{IMPORTERS['csv'].summary} SOURCE is the table of events, or a folder that holds events.* and items.*; "
    "without a table of items, the texts stand in the events.",
)
def import_tables(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="The table of events, or the folder of both tables.")
    ],
    out: Out,
    items: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table of items; default: items.* in the folder.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table of events; default: events.* in the folder.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS,...",
            help="Names of columns: user_id, item_id, timestamp, rating, text (several joined by +), category, and "
            "items.item_id where the table of items calls it otherwise; e.g. "
            "--map item_id=sku,text=title+brand",
        ),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="How times are written, e.g. '%d/%m/%Y %H:%M'; default: seconds or ISO."),
    ] = None,
    no_time: Annotated[
        bool, typer.Option("--no-time", help="There are no times: the order of the rows counts.")
    ] = False,
    separator: Annotated[
        str | None, typer.Option(metavar="CHAR", help="Between fields; default: found in the first line.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the text files, e.g. latin-1.")] = "utf-8",
    only_used_items: OnlyUsed = False,
    force: Force = False,
) -> None:
    """Import tables under any column names."""
    settings = CsvMap(
        events=events,
        items=items,
        columns=parse_columns(columns or []),
        time_format=time_format,
        no_time=no_time,
        separator=separator,
        encoding=encoding,
    )
    read = partial(import_csv, settings=settings)
    _import(read, (source,), out, only_used=only_used_items, force=force)


def _import(read: Read, paths: tuple[Path, ...], out: Path, *, only_used: bool, force: bool) -> None:
    """Import and say what was written and what was left out."""
    imported = import_platform(read, paths, out, only_used=only_used, force=force)
    users = imported.events["user_id"].n_unique()
    typer.echo(f"{out}: {users:,} users, {imported.items.height:,} items, {imported.events.height:,} events")
    for note in imported.notes:
        typer.echo(f"  {note}")


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    run_command("graft-client", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
