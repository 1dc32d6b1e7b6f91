"""``graft-server revoke``: shut a platform out."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home


def revoke(name: Annotated[str, typer.Argument(help="The platform's name.")], home: Home = Path()) -> None:
    """Shut a platform out; its key never counts again."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    register = Enrolment(ServerHome.existing(home).platforms)
    typer.echo(f"{register.revoke(name).name}: revoked")
