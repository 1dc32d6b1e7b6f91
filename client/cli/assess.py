"""``graft-client assess``: whether an encoder on offer will pay here, before joining."""

import json
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import PlatformLine
from client.features.data_settings import DataSettings
from shared.system.command_options import with_options


@with_options
def assess(
    folder: PlatformLine,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file on offer.")],
    data: DataSettings,
    as_json: Annotated[bool, typer.Option("--json", help="Print the assessment as JSON.")] = False,
) -> None:
    """Say before joining whether an encoder will pay on this platform: yes, no or too early, and why.

    Nothing leaves the machine. The platform's users must be others than those the encoder was pretrained on: of users
    whom it has seen it promises too much.
    """
    from client.fitting.assess import assess_platform

    found = assess_platform(
        folder,
        encoder,
        features=data.features,
        seed=data.seed,
        min_user_events=data.min_user_events,
        min_item_events=data.min_item_events,
    )
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(found.lines()))
