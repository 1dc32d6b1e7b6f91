"""``graft-server enroll``: admit platforms."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home
from shared.errors import ConfigError


def enroll(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The platform's name in every round.")],
    public_key: Annotated[
        list[Path],
        typer.Option("--public-key", metavar="FILE", help="The node.key.pub of the platform's folder; one for each."),
    ],
    home: Home = Path(),
) -> None:
    """Admit platforms by their public keys; where the server is down, it is told when it starts."""
    from server.coordinator.enrolment import Enrolment, read_public_key
    from server.coordinator.home import ServerHome

    register = Enrolment(ServerHome.existing(home).platforms)
    if len(names) != len(public_key):
        raise ConfigError(f"expected a --public-key for each of {len(names)} names; got {len(public_key)}")
    for name, key in zip(names, [read_public_key(path) for path in public_key], strict=True):
        typer.echo(f"{register.enroll(name, key).name}: enrolled")
