"""``graft-server revoke``: shut a platform out."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home


def revoke(name: Annotated[str, typer.Argument(help="The platform's name.")], home: Home = Path()) -> None:
    """Shut a platform out; its key never counts again."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    typer.echo(f"{Enrolment(ServerHome.existing(home).platforms).revoke(name).name}: revoked")
