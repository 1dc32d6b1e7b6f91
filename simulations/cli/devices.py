"""``graft-sim devices``: a platform split by user, each of whom is a device."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.system.command_options import Given, say, with_options
from shared.system.options import assigned
from simulations.cli.round_values import RoundValues
from simulations.config.device_run_config import DeviceRunConfig


@with_options
def devices(
    platform: Annotated[
        str,
        typer.Argument(
            metavar="DIR[,option=value...]",
            help="The platform folder whose users become devices, DIR or NAME=DIR, with the options of a platform.",
        ),
    ],
    options: Annotated[dict[str, Any], Given(DeviceRunConfig)],
    settings: RoundValues = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the results.")] = Path("out/devices"),
    as_json: Annotated[bool, typer.Option("--json", help="Print devices.json in place of the table.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew in a folder that holds files.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same run was stopped; begin it in a new folder.")
    ] = False,
) -> None:
    """Train an encoder on a platform's users as devices, in virtual time, and write devices.json and devices.png."""
    from client.data.spec import parse_platform_spec
    from simulations.devices.device_run import DEVICES_FILE, run_population

    errors = Console(stderr=True, highlight=False)
    line = platform if "=" in platform.partition(",")[0] else f"{Path(platform.partition(',')[0]).name}={platform}"
    document = run_population(
        parse_platform_spec(line),
        DeviceRunConfig.from_dict(dict(options) | assigned(DeviceRunConfig, settings or (), say)),
        out,
        say=errors.print,
        force=force,
        resume=resume,
    )
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return
    Console().print(table_of(document))
    errors.print(f"{out / DEVICES_FILE} and devices.png beside it")


def table_of(document: dict[str, Any]) -> Table:
    """The figures of a run, a row for each encoder.

    Args:
        document: what ``devices.json`` holds.

    Returns:
        The table.
    """
    table = Table(title=f"{document['platform']}: NDCG@10 on {document['devices']:,} devices")
    for column in ("encoder", "lists", "with heads", "alone", "popularity alone", "lists over the encoder alone"):
        table.add_column(column, justify="left" if column == "encoder" else "right")
    for name, figures in document["figures"].items():
        ndcg, lift = figures["ndcg@10"], figures["lift of lists"]["over the encoder alone"]
        words = "-" if lift is None else f"{lift['mean']:+.1f} % [{lift['low']:.1f}, {lift['high']:.1f}]"
        table.add_row(name, *(f"{ndcg[way]:.4f}" for way in ("lists", "heads", "encoder", "popularity")), words)
    return table
