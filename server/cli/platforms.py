"""``graft-server enroll``, ``revoke`` and ``platforms``: who may join."""

import json
from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import AsJson, Home
from shared.errors import ConfigError

NO_SUM_KEY = (
    "without a key for secure sums, which masked runs need: its operator runs graft-client parties DIR and sends "
    "node.key.pub again"
)


def enroll(
    *,
    home: Home = Path(),
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The platform's name in every round.")],
    public_key: Annotated[
        list[Path] | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="The node.key.pub of the platform's folder; one for each. Without any, those who are enrolled get "
            "another size class.",
        ),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many users each of them has, as agreed with its operator: rounded to a power of two, it says "
            "what the platform may weigh, whatever its answers claim. May be changed later. Default: not said.",
        ),
    ] = None,
) -> None:
    """Admit platforms by their public keys; where the server is down, it is told when it starts."""
    from server.coordinator.enrolment import Enrolment, read_public_key, read_sum_key, require_own_key
    from server.coordinator.home import ServerHome

    register, paths = Enrolment(ServerHome.existing(home).platforms), public_key or []
    if users is not None and not paths:
        for name in names:
            typer.echo(f"{name}: of the size of {register.classify(name, users).users} users")
        return
    if len(names) != len(paths):
        raise ConfigError(f"expected a --public-key for each of {len(names)} names; got {len(paths)}")
    keys = [read_public_key(path) for path in paths]
    for name, path in zip(names, paths, strict=True):
        require_own_key(name, path)
    for name, key, path in zip(names, keys, paths, strict=True):
        platform = register.enroll(name, key, users or 0, read_sum_key(path))
        typer.echo(f"{platform.name}: enrolled{'' if platform.sum_key else f'; {NO_SUM_KEY}'}")


def revoke(
    *,
    home: Home = Path(),
    name: Annotated[str, typer.Argument(metavar="NAME", help="The platform's name.")],
) -> None:
    """Shut a platform out; its key never counts again."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    typer.echo(f"{Enrolment(ServerHome.existing(home).platforms).revoke(name).name}: revoked")


def platforms(home: Home = Path(), as_json: AsJson = False) -> None:
    """List who may join, who may no longer, and what the engine has yet to be told."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    register = Enrolment(ServerHome.existing(home).platforms)
    entries = register.read()
    if as_json:
        listed = [
            {
                "name": entry.name,
                "key": entry.key,
                "sum_key": entry.sum_key or None,
                "users": entry.users or None,
                "state": _state(entry.revoked, entry.waiting),
            }
            for entry in entries
        ]
        typer.echo(json.dumps(listed, indent=2))
        return
    for entry in entries:
        size = f", of the size of {entry.users} users" if entry.users else ""
        typer.echo(f"{entry.name}: {_state(entry.revoked, entry.waiting)}{size}")
    if lacking := register.without_sum_key():
        typer.echo(f"{', '.join(lacking)}: {NO_SUM_KEY}")
    if not entries:
        typer.echo("no platform is enrolled")


def _state(revoked: bool, waiting: bool) -> str:
    return ("revoked" if revoked else "enrolled") + (", queued for the engine" if waiting else "")
