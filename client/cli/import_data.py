"""``graft-client import``: a platform folder from a data set as it is distributed, or from your own tables."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from client.data.folder_options import TimesOption
from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap, parse_columns
from client.data.importers.proposal import proposed_map
from client.data.importers.refused_rows import BadRows
from client.data.importers.table import IMPORTERS, ImportChoices, Importer, Read, import_with
from client.data.importers.uci_retail import import_uci_retail
from shared.errors import ConfigError, DataError
from shared.system.answer import AsJson, tell_json
from shared.system.command_options import with_options
from shared.system.program import CommandGroup
from shared.system.progress import shown

imports = typer.Typer(
    cls=CommandGroup,
    help="Turn a data set as it is distributed, or your own tables, into a platform folder.",
    no_args_is_help=True,
)
SourcePath = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="The folder, zip, tar, gz or file, packed or unpacked.")
]
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
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of the text files, e.g. latin-1. Default: what the format says, else UTF-8."),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad", help="Leave out rows that are wrong and list them, with reasons, in DIR.refused.csv beside DIR."
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
        encoding: Encoding = None,
        skip_bad: SkipBad = False,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        choices = ImportChoices(
            encoding=encoding,
            skip_bad=skip_bad,
            only_used=only_used_items,
            keep_unknown=keep_unknown_items,
            force=force,
        )
        _import(choices, importer.read, (source, *(also or ())), out, as_json=as_json)

    @with_options
    def counted(
        source: SourcePath,
        out: Out,
        asked: TimesOption,
        also: Also = None,
        only_used_items: OnlyUsed = False,
        keep_unknown_items: KeepUnknown = False,
        encoding: Encoding = None,
        skip_bad: SkipBad = False,
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        choices = ImportChoices(
            said=asked.times,
            encoding=encoding,
            skip_bad=skip_bad,
            only_used=only_used_items,
            keep_unknown=keep_unknown_items,
            force=force,
        )
        _import(choices, importer.read, (source, *(also or ())), out, as_json=as_json)

    command = counted if importer.counts_time else written
    imports.command(name, help=_help(importer))(command)


def _help(importer: Importer) -> str:
    return f"{importer.summary} SOURCE is the folder, zip, tar, gz or file, packed or not."


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
            help="Leave out products of which the customer cancelled all that was bought. Default: they are kept.",
        ),
    ] = False,
    only_used_items: OnlyUsed = False,
    keep_unknown_items: KeepUnknown = False,
    encoding: Encoding = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Import invoices, with or without what was cancelled."""
    choices = ImportChoices(
        encoding=encoding, skip_bad=skip_bad, only_used=only_used_items, keep_unknown=keep_unknown_items, force=force
    )
    read = partial(import_uci_retail, drop_cancelled=drop_cancelled)
    _import(choices, read, (source, *(also or ())), out, as_json=as_json)


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
        Path | None, typer.Option(metavar="FILE", help="The table of items. Default: items.* in the folder.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table of events. Default: events.* in the folder.")
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
            help="How times are written, as Python says it, e.g. '%d/%m/%Y %H:%M:%S.%f %z'. Default: Unix time in "
            "seconds or a smaller unit, or ISO 8601, in UTC where no zone stands.",
        ),
    ] = None,
    no_time: Annotated[
        bool, typer.Option("--no-time", help="There are no times: the order of the rows counts.")
    ] = False,
    separator: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Between fields, one character or several such as '::'; tab is a tab. Default: found in the first "
            "line.",
        ),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", metavar="PATH", help="Of public data sets alone; a second table is --items FILE."),
    ] = None,
    header: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAME,...",
            help="The names of the columns of the events, where their first line does not say them; e.g. "
            "user,item,rating,time. Default: none.",
        ),
    ] = None,
    decimal: Annotated[
        str, typer.Option(metavar=".|,", help="What stands before the fraction of a number: . or ,")
    ] = ".",
    quotes: Annotated[
        str | None,
        typer.Option(
            metavar="fields|text",
            help="What quotation marks do: fields: enclose fields; text: stand in texts like any other character. "
            "Default: fields, and a field that seems to have swallowed lines is refused.",
        ),
    ] = None,
    only_used_items: OnlyUsed = False,
    keep_unknown_items: KeepUnknown = False,
    encoding: Encoding = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Import tables under any column names."""
    if also:
        raise ConfigError(
            f"--also is for public data sets; got {also[0]}: --items FILE names a table of items, and the parts of one "
            "table are read as a folder events"
        )
    settings = CsvMap(
        events=events,
        items=items,
        columns=parse_columns(columns or []),
        time_format=time_format,
        no_time=no_time,
        header=None if header is None else tuple(name.strip() for name in header.split(",")),
        separator=_separator(separator),
        decimal=decimal,
        quotes=quotes,
    )
    choices = ImportChoices(
        said=asked.times,
        encoding=encoding,
        skip_bad=skip_bad,
        only_used=only_used_items,
        keep_unknown=keep_unknown_items,
        force=force,
    )
    if not settings.columns:
        settings = _proposed(source, out, settings, choices, aside=as_json)
    _import(choices, partial(import_csv, settings=settings), (source,), out, as_json=as_json)


def _separator(text: str | None) -> str | None:
    r"""What stands between fields; ``tab`` and ``\t`` are a tab. None: found in the first line."""
    return text if text is None else "\t" if text == "tab" else text.replace("\\t", "\t")


def _proposed(source: Path, out: Path, settings: CsvMap, choices: ImportChoices, *, aside: bool) -> CsvMap:
    """The settings with the map that names and values of the columns propose, which is said (on stderr, ``aside``).

    Ours where all are there.

    Raises DataError with the command to complete where a column that is needed can be none, or one of several.
    """
    proposal = proposed_map(source, settings, choices.encoding)
    if proposal is None:
        return settings
    command = proposal.command(source, out, sys.argv)
    if proposal.open:
        second = "; where a second table describes the items, add --items FILE" if proposal.second_table else ""
        raise DataError(f"{proposal.problem} (complete this: {command}{second})")
    typer.echo(f"read as: {command}", err=aside)
    return proposal.applied(settings)


@imports.command(
    "sql",
    help="A database, which a file NAME.toml describes (docs/sql.md), as a platform folder: all of it as it is now.",
)
@with_options
def import_database(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The file of an SQL source, NAME.toml.")],
    out: Out,
    asked: TimesOption,
    only_used_items: OnlyUsed = False,
    keep_unknown_items: KeepUnknown = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Import what two queries give."""
    from client.data.importers.sql import import_sql  # SQLAlchemy takes a moment

    choices = ImportChoices(said=asked.times, only_used=only_used_items, keep_unknown=keep_unknown_items, force=force)
    _import(choices, import_sql, (source,), out, as_json=as_json)


def _import(choices: ImportChoices, read: Read, paths: tuple[Path, ...], out: Path, *, as_json: bool) -> None:
    """Import and say what was written and what was left out."""
    try:
        with shown("import"):
            imported = import_with(choices, read, paths, out)
    except BadRows as bad:
        if choices.skip_bad or bad.wrong.all():
            raise
        raise DataError(f"{bad} (--skip-bad leaves such rows out and lists them)") from bad
    users, items, events = imported.events["user_id"].n_unique(), imported.items.height, imported.events.height
    if as_json:
        counts = {"users": users, "items": items, "events": events}
        tell_json({"folder": str(out), **counts, "notes": list(imported.notes)})
        return
    typer.echo(f"{out}: {users:,} users, {items:,} items, {events:,} events")
    for note in imported.notes:
        typer.echo(f"  {note}")
