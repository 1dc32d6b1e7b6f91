"""``graft-server enroll``, ``revoke`` and ``platforms``: who may join."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.arguments import Home
from shared.errors import ConfigError
from shared.system.answer import AsJson, tell, tell_json

if TYPE_CHECKING:
    from server.coordinator.enrolment import Enrolled

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
    as_json: AsJson = False,
) -> None:
    """Admit platforms by their public keys; where the server is down, it is told when it starts."""
    from server.coordinator.enrolment import Enrolment, read_public_key, read_sum_key, require_own_key
    from server.coordinator.home import ServerHome

    register, paths = Enrolment(ServerHome.existing(home).platforms), public_key or []
    if users is not None and not paths:
        classified = [register.classify(name, users) for name in names]
        sizes = (f"{entry.name}: of the size of {entry.users} users" for entry in classified)
        tell([_facts(entry) for entry in classified], "\n".join(sizes), as_json=as_json)
        return
    if len(names) != len(paths):
        raise ConfigError(f"expected a --public-key for each of {len(names)} names; got {len(paths)}")
    keys = [read_public_key(path) for path in paths]
    for name, path in zip(names, paths, strict=True):
        require_own_key(name, path)
    enrolled = []
    for name, key, path in zip(names, keys, paths, strict=True):
        entry = register.enroll(name, key, users or 0, read_sum_key(path))
        enrolled.append(_facts(entry))
        if not as_json:
            typer.echo(f"{entry.name}: enrolled{'' if entry.sum_key else f'; {NO_SUM_KEY}'}")
    if as_json:
        tell_json(enrolled)


def revoke(
    *,
    home: Home = Path(),
    name: Annotated[str, typer.Argument(metavar="NAME", help="The platform's name.")],
    as_json: AsJson = False,
) -> None:
    """Shut a platform out; its key never counts again."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    entry = Enrolment(ServerHome.existing(home).platforms).revoke(name)
    tell(_facts(entry), f"{entry.name}: revoked", as_json=as_json)


def platforms(home: Home = Path(), as_json: AsJson = False) -> None:
    """List who may join, who may no longer, and what the engine has yet to be told."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    register = Enrolment(ServerHome.existing(home).platforms)
    entries = register.read()
    lines = [_line(entry) for entry in entries] or ["no platform is enrolled"]
    if lacking := register.without_sum_key():
        lines.append(f"{', '.join(lacking)}: {NO_SUM_KEY}")
    tell([_facts(entry) for entry in entries], "\n".join(lines), as_json=as_json)


def _facts(entry: "Enrolled") -> dict[str, Any]:
    return {
        "name": entry.name,
        "key": entry.key,
        "sum_key": entry.sum_key or None,
        "users": entry.users or None,
        "state": _state(entry),
    }


def _line(entry: "Enrolled") -> str:
    size = f", of the size of {entry.users} users" if entry.users else ""
    return f"{entry.name}: {_state(entry)}{size}"


def _state(entry: "Enrolled") -> str:
    return ("revoked" if entry.revoked else "enrolled") + (", queued for the engine" if entry.waiting else "")
