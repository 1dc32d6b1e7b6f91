"""``graft-client status``: what a platform's agent is doing."""

from client.cli.arguments import AgentFolder
from shared.system.answer import AsJson, tell


def status(folder: AgentFolder, as_json: AsJson = False) -> None:
    """Say what the agent is doing."""
    from client.agent.home import AgentHome
    from client.agent.status import status as status_of
    from client.agent.status import status_lines

    state = status_of(AgentHome.existing(folder))
    tell(state, "\n".join(status_lines(state)), as_json=as_json)
