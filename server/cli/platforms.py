"""``graft-server platforms``: who may join."""

import json
from pathlib import Path

import typer

from server.cli.arguments import AsJson, Home


def platforms(home: Home = Path(), as_json: AsJson = False) -> None:
    """List who may join, who may no longer, and what the engine has yet to be told."""
    from server.coordinator.enrolment import Enrolment
    from server.coordinator.home import ServerHome

    entries = Enrolment(ServerHome.existing(home).platforms).read()
    if as_json:
        listed = [{"name": one.name, "key": one.key, "state": _state(one.revoked, one.waiting)} for one in entries]
        typer.echo(json.dumps(listed, indent=2))
        return
    for one in entries:
        typer.echo(f"{one.name}: {_state(one.revoked, one.waiting)}")
    if not entries:
        typer.echo("no platform is enrolled")


def _state(revoked: bool, waiting: bool) -> str:
    return ("revoked" if revoked else "enrolled") + (", queued for the engine" if waiting else "")
