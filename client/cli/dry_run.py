"""``graft-client dry-run``: a whole round with nothing sent."""

import os
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import PRIVATE, AgentFolder
from shared.system.answer import tell
from shared.system.progress import shown


def dry_run(
    folder: AgentFolder,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file on offer.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, nothing cut off.")] = False,
) -> None:
    """Do a whole round with nothing sent: say exactly what would leave this platform, and how long it takes."""
    from client.agent.home import AgentHome, AgentSettings
    from client.rounds.dry_run import dry_run as round_with_nothing_sent
    from shared.federation.config import LocalSettings
    from shared.system.settings_file import read_settings

    os.umask(PRIVATE)
    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    with shown("dry-run"):
        answers = round_with_nothing_sent(settings.node(home), encoder, LocalSettings())
    tell(
        [answer.to_json() for answer in answers],
        "\n".join(line for answer in answers for line in answer.lines()),
        as_json=as_json,
    )
