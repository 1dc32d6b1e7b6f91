"""``graft-client parties``: the platforms with which this one sums, and those that wait to be accepted."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.system.answer import AsJson, tell_json


def parties(
    folder: AgentFolder,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="NAME", help="Sum with this platform, by the keys shown, from now on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which platforms this one knows and since when, who is new, and whose key changed.

    Nothing is summed with a platform that is not known: compare fingerprints with its operator before you accept it.
    """
    from client.agent.home import AgentHome, AgentSettings
    from client.agent.new_agent import enrolment_line
    from client.agent.parties import parties_json, parties_lines
    from client.agent.sum_key import bring_sum_key, own_party, send_again
    from shared.system.settings_file import read_settings
    from shared.system.utc_clock import utc_now

    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    own = own_party(home, settings)
    if accept:
        own.accept(accept, utc_now())
    changed = bring_sum_key(home, settings)
    if as_json:
        tell_json(parties_json(own.parties))
        return
    if changed:
        typer.echo(send_again(home, enrolment_line(home, settings)))
    typer.echo("\n".join(parties_lines(own, home)))
