"""``graft-client start`` and ``stop``: run a platform's agent, and end it."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from client.cli.arguments import PRIVATE, AgentFolder, LogFormat
from shared.system.answer import AsJson, tell
from shared.system.log_format import TEXT, begin_log, checked_format
from shared.system.progress import shown, working

if TYPE_CHECKING:
    from client.agent.home import AgentHome, AgentSettings


def start(
    folder: AgentFolder,
    background: Annotated[bool, typer.Option("--background", help="Return once the agent runs.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the agent: it asks the coordinator for tasks, does them, and comes back whenever the network does.

    First it looks at all that graft-client preflight does: what can never work is refused.
    """
    from client.agent.finding import refuse_lasting
    from client.agent.home import AgentHome, AgentSettings
    from client.agent.new_agent import enrolment_line
    from client.agent.preflight import checks_of, findings
    from client.agent.private_part import require_private_part
    from client.agent.programs import supervision
    from client.agent.sum_key import bring_sum_key, send_again
    from shared.system.settings_file import read_settings

    os.umask(PRIVATE)
    form = checked_format(log_format)
    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    supervision(home).require_none()
    with shown("start"), working("looking at data, keys, vault, authority and address"):
        notes = refuse_lasting(findings(checks_of(home)))
    require_private_part(home, settings)
    if bring_sum_key(home, settings):
        typer.echo(send_again(home, enrolment_line(home, settings)))
    if background:
        typer.echo(runs_as(in_background(home, form)))
    else:
        _in_foreground(home, settings, form, [note.to_json() for note in notes])


def in_background(home: "AgentHome", log_format: str) -> int:
    """Start it as a process of its own; its number."""
    from client.agent.programs import supervision

    command = ("-m", "client.cli.main", "start", str(home.folder), "--log-format", log_format)
    with shown("start"), working("until the agent runs"):
        return supervision(home).start(command, bool)


def runs_as(process: int) -> str:
    """That it was started, in words."""
    return f"the agent runs as process {process}"


def _in_foreground(
    home: "AgentHome", settings: "AgentSettings", log_format: str, notes: list[dict[str, object]]
) -> None:
    from client.agent.programs import serve
    from shared.system.processes.supervision import asked_to_stop

    begin_log(log_format)
    serve(home, settings, asked_to_stop(), notes)


def stop(folder: AgentFolder, as_json: AsJson = False) -> None:
    """End the agent."""
    from client.agent.home import AgentHome
    from client.agent.programs import supervision

    done = supervision(AgentHome.existing(folder)).stop()
    tell({"folder": str(folder), "done": done}, done, as_json=as_json)
