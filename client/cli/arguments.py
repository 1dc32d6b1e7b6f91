"""Arguments that several commands of ``graft-client`` take, and what an agent's folder answers of them itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.data.folder_options import FORMS, DataSettings
from client.fitting.fit_settings import FitSettings
from shared.errors import ConfigError
from shared.system.command_options import given_on_the_command_line
from shared.system.log_format import HELP as LOG_HELP
from shared.system.options import entries

if TYPE_CHECKING:
    from client.agent.fitting import Fitting
    from client.fitting.platform_fit import PlatformFit

KEY_HELP = "What opens it: file:PATH, env:VARIABLE (64 hexadecimal digits) or passphrase:VARIABLE."
FOLDER_HELP = f"the platform folder or an SQL source's file, with the options of a platform: {', '.join(FORMS)}"
PLATFORM = "DIR[,option=value...]"
PRIVATE = 0o077
"""the umask under which an agent's files are written: nothing is readable for other users of the machine"""

AgentFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.")]
PlatformLine = Annotated[str, typer.Argument(metavar=PLATFORM, help=f"Which platform: {FOLDER_HELP}")]
PlatformOrAgent = Annotated[str, typer.Argument(metavar=PLATFORM, help=f"An agent's folder, or {FOLDER_HELP}")]
AgentOrNone = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="An agent's folder: heads, key and tokens are its own.")
]
Heads = Annotated[
    Path | None, typer.Option("--heads", metavar="DIR", help="The folder of the platform's heads, where no agent's is.")
]
VaultKey = Annotated[
    str,
    typer.Option(
        "--vault-key",
        metavar="KIND:WHERE",
        envvar="GRAFT_VAULT_KEY",
        help="What opens the vault in the folder of heads: file:PATH, env:VARIABLE or passphrase:VARIABLE.",
    ),
]
Received = Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file that was received.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]


def asked_fitting(
    folder: str, data: DataSettings, asked: FitSettings, heads: Path | None = None
) -> "tuple[Fitting, Path | None]":
    """What is fitted, and the agent's folder, None where it is a platform's; raises ConfigError."""
    from client.agent.fitting import agents_fitting, is_agent, platform_fitting

    if not is_agent(Path(folder)):
        fitting = platform_fitting(folder, data, asked)
        if not fitting.data.exists():
            raise ConfigError(f"{fitting.data}: expected a platform folder, found nothing, nor an agent's folder")
        return fitting, None
    own = (one for one in entries(FitSettings) if len(one.path) == 1)
    answered = given_on_the_command_line((*entries(DataSettings), *own))
    if refused := [*answered, *(["--heads"] if heads is not None else [])]:
        raise ConfigError(f"{refused[0]} is not for an agent's folder: its settings, vault and ledger say that")
    return agents_fitting(Path(folder), asked), Path(folder)


def asked_fit(
    folder: str, encoder: Path, data: DataSettings, asked: FitSettings, heads: Path | None, vault_key: str
) -> "PlatformFit":
    """What ``fit`` would begin with the same arguments; heads count where there are some. Raises InputError."""
    from client.agent.private_part import heads_and_key
    from client.fitting.served_fit import open_fit
    from client.serving.private_folder import open_private_folder
    from client.serving.reported_events import ReportedEvents

    fitting, agent = asked_fitting(folder, data, asked, heads)
    if agent is None and heads is None:
        return open_fit(fitting.data, encoder, fitting.settings).fit
    private = open_private_folder(*heads_and_key(agent, heads, vault_key))
    return open_fit(
        fitting.data, encoder, fitting.settings, ReportedEvents(entries=private.reported()), private.heads
    ).fit
