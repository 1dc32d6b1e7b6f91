"""``graft-client init``: make a platform's agent."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from client.agent.home import AgentSettings
from client.cli.arguments import PRIVATE
from client.cli.start import in_background, runs_as
from client.guard.site_policy import SitePromise
from shared.system.answer import AsJson, tell_json
from shared.system.command_options import with_options
from shared.system.log_format import TEXT
from shared.system.progress import shown, working


@with_options
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder, to be made.")],
    ca: Annotated[Path, typer.Option("--ca", metavar="FILE", help="The coordinator's ca.crt.")],
    asked: AgentSettings,
    promise: SitePromise,
    release_root: Annotated[
        Path | None,
        typer.Option(
            "--release-root",
            metavar="FILE",
            help="Whose releases graft-client update trusts: the root.json that the coordinator's operator gives. "
            "Default: graft-client update asks for it.",
        ),
    ] = None,
    and_start: Annotated[bool, typer.Option("--start", help="Start it at once, in the background.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an agent's folder with a key pair, a vault and a site policy; print the line that enrols this platform.

    First it looks at data, authority and address: what can never work is refused, and nothing is made then.
    """
    from client.agent.finding import refuse_lasting
    from client.agent.new_agent import (
        absolute_data,
        absolute_key,
        enrolment_line,
        make_agent,
        require_new,
        where_the_key_is,
    )
    from client.agent.preflight import checks_of_new, findings
    from client.releases.place import ReleasesPlace
    from client.releases.trusted import read_root

    os.umask(PRIVATE)
    settings = replace(asked, data=absolute_data(asked.name, asked.data), vault_key=absolute_key(asked.vault_key))
    require_new(folder)
    with shown("init"), working("looking at data, authority and address"):
        refuse_lasting(findings(checks_of_new(settings, ca)))
    root = None if release_root is None else read_root(release_root)
    home = make_agent(folder, settings, ca, promise)
    if root is not None:
        ReleasesPlace(home.releases).pin(root)
    enrolment = enrolment_line(home, settings)
    lines = (
        f"{home.folder}: an agent of {settings.name}; its private key stays here",
        f"what it learns is sealed in {home.vault}; {where_the_key_is(home, asked.vault_key)}",
        f"what may leave stands in {home.policy}, {_promised(promise)}; graft-client audit tells what has left",
        f"send {home.public_key} to the coordinator, who runs:\n  {enrolment}",
    )
    if not as_json:
        typer.echo("\n".join(lines))
    process = in_background(home, TEXT) if and_start else None
    if as_json:
        facts = {"folder": str(home.folder), "name": settings.name, "public_key": str(home.public_key)}
        tell_json({**facts, "enrolment": enrolment, "process": process})
    elif process is not None:
        typer.echo(runs_as(process))


def _promised(promise: SitePromise) -> str:
    if promise.privacy == "plain":
        return "and leaves as it is asked for"
    if promise.privacy == "masked":
        return "and leaves in sums over several platforms alone"
    where = ", of its own or in a sum," if promise.is_masked else ""
    return f"and bears the noise{where} that keeps ε {promise.epsilon:g} for each user"
