"""``graft-client parties``: the platforms with which this one sums, and those that wait to be accepted."""

import json
from typing import Annotated

import typer

from client.cli.arguments import AgentFolder


def parties(
    folder: AgentFolder,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="NAME", help="Sum with this platform, by the keys shown, from now on."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say which platforms this one knows and since when, who is new, and whose key changed.

    Nothing is summed with a platform that is not known: compare fingerprints with its operator before you accept it.
    """
    from client.agent.home import AgentHome, AgentSettings
    from client.agent.new_agent import enrolment_line
    from client.agent.parties import parties_json, parties_lines
    from client.agent.sum_key import bring_sum_key, own_party, send_again
    from client.guard.egress_guard import utc_now
    from shared.system.settings_file import read_settings

    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    own = own_party(home, settings)
    if accept:
        own.accept(accept, utc_now())
    changed = bring_sum_key(home, settings)
    if as_json:
        typer.echo(json.dumps(parties_json(own.parties), indent=2))
        return
    if changed:
        typer.echo(send_again(home, enrolment_line(home, settings)))
    typer.echo("\n".join(parties_lines(own, home)))
