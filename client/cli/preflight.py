"""``graft-client preflight``: all that can keep an agent from taking part, looked at now."""

import typer

from client.cli.arguments import AgentFolder
from shared.system.answer import AsJson, tell
from shared.system.command_options import USAGE_ERROR


def preflight(folder: AgentFolder, as_json: AsJson = False) -> None:
    """Look at an agent's policy, keys, vault and data, and at the coordinator's address, certificate and clock.

    Whether the coordinator admits its key is known where the agent runs.
    Nothing is written, and nothing leaves. Ends with 2 where something can never work as it is, else with 0.
    """
    from client.agent.home import AgentHome
    from client.agent.preflight import checks_of, findings
    from client.agent.status import enrolment

    home = AgentHome.existing(folder)
    checks = [*checks_of(home), enrolment(home)]
    tell([check.to_json() for check in checks], "\n".join(check.line() for check in checks), as_json=as_json)
    if any(finding.lasting for finding in findings(checks)):
        raise typer.Exit(USAGE_ERROR)
