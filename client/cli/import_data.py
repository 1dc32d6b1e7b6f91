"""``graft-client import``: a platform folder from a data set as it is distributed, or from your own tables."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from client.data.folder_options import Said, TimesOption
from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap, parse_columns
from client.data.importers.table import IMPORTERS, Importer, Read, import_platform
from client.data.importers.uci_retail import import_uci_retail
from shared.system.command_options import with_options
from shared.system.progress import shown

imports = typer.Typer(
    help="Turn a data set as it is distributed, or your own tables, into a platform folder.",
    no_args_is_help=True,
)
SourcePath = Annotated[Path, typer.Argument(metavar="SOURCE", help="The folder, zip, gz or file, packed or unpacked.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The platform folder to make.")]
Also = Annotated[
    list[Path] | None,
    typer.Option("--also", metavar="PATH", help="A further file or folder of the same data set; may be repeated."),
]
OnlyUsed = Annotated[
    bool, typer.Option("--only-used-items", help="Leave out items that no event or impression mentions.")
]
KeepUnknown = Annotated[
    bool,
    typer.Option(
        "--keep-unknown-items",
        help="Go on where most items in the events are not described; the id of each is then its text.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace DIR if it is a platform folder already.")]


def _add_format(name: str, importer: Importer) -> None:
    """A command of its own for a format that needs no options of its own."""

    def written(
        source: SourcePath,
        out: Out,
        also: Also = None,
        only_used_items: OnlyUsed = False,
        keep_unknown_items: KeepUnknown = False,
        force: Force = False,
    ) -> None:
        kept = {"only_used": only_used_items, "keep_unknown": keep_unknown_items}
        _import(importer.read, (source, *(also or ())), out, None, force=force, **kept)

    @with_options
    def counted(
        source: SourcePath,
        out: Out,
        asked: TimesOption,
        also: Also = None,
        only_used_items: OnlyUsed = False,
        keep_unknown_items: KeepUnknown = False,
        force: Force = False,
    ) -> None:
        kept = {"only_used": only_used_items, "keep_unknown": keep_unknown_items}
        _import(importer.read, (source, *(also or ())), out, asked.times, force=force, **kept)

    command = counted if importer.counts_time else written
    imports.command(name, help=_help(importer))(command)


def _help(importer: Importer) -> str:
    return f"{importer.summary} SOURCE is the folder, zip, gz or file, packed or not."


for _name, _importer in IMPORTERS.items():
    if _name not in ("csv", "uci-retail"):
        _add_format(_name, _importer)


@imports.command("uci-retail", help=_help(IMPORTERS["uci-retail"]))
def import_invoices(
    source: SourcePath,
    out: Out,
    also: Also = None,
    drop_cancelled: Annotated[
        bool,
        typer.Option(
            "--drop-cancelled",
            help="Leave out products of which the customer cancelled all that was bought; default: they are kept.",
        ),
    ] = False,
    only_used_items: OnlyUsed = False,
    keep_unknown_items: KeepUnknown = False,
    force: Force = False,
) -> None:
    """Import invoices, with or without what was cancelled."""
    kept = {"only_used": only_used_items, "keep_unknown": keep_unknown_items}
    read = partial(import_uci_retail, drop_cancelled=drop_cancelled)
    _import(read, (source, *(also or ())), out, None, force=force, **kept)


@imports.command(
    "csv",
    help=f"{IMPORTERS['csv'].summary} SOURCE is the table of events, or a folder that holds events.* and items.*; "
    "without a table of items, the texts stand in the events.",
)
@with_options
def import_tables(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="The table of events, or the folder of both tables.")
    ],
    out: Out,
    asked: TimesOption,
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
            help="Names of columns: user_id, item_id, timestamp, rating, text (several joined by +), category, "
            "published (when an item came out), and items.item_id where the table of items calls it otherwise; e.g. "
            "--map item_id=sku,text=title+brand",
        ),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="How times are written, as Python says it, e.g. '%d/%m/%Y %H:%M:%S.%f %z'; default: Unix time in "
            "seconds or a smaller unit, or ISO 8601, in UTC where no zone stands.",
        ),
    ] = None,
    no_time: Annotated[
        bool, typer.Option("--no-time", help="There are no times: the order of the rows counts.")
    ] = False,
    separator: Annotated[
        str | None, typer.Option(metavar="CHAR", help="Between fields; default: found in the first line.")
    ] = None,
    quotes: Annotated[
        str | None,
        typer.Option(
            metavar="fields|text",
            help="What quotation marks do: fields: enclose fields; text: stand in texts like any other character; "
            "default: fields, and a field that seems to have swallowed lines is refused.",
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the text files, e.g. latin-1.")] = "utf-8",
    only_used_items: OnlyUsed = False,
    keep_unknown_items: KeepUnknown = False,
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
        quotes=quotes,
        encoding=encoding,
    )
    kept = {"only_used": only_used_items, "keep_unknown": keep_unknown_items}
    _import(partial(import_csv, settings=settings), (source,), out, asked.times, force=force, **kept)


def _import(read: Read, paths: tuple[Path, ...], out: Path, said: Said | None, **options: bool) -> None:
    """Import and say what was written and what was left out."""
    with shown("import"):
        imported = import_platform(read, paths, out, said=said, **options)
    users = imported.events["user_id"].n_unique()
    typer.echo(f"{out}: {users:,} users, {imported.items.height:,} items, {imported.events.height:,} events")
    for note in imported.notes:
        typer.echo(f"  {note}")
