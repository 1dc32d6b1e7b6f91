"""Arguments that several commands of ``graft-client`` take, and what an agent's folder answers of them itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.data.folder_options import FORMS, DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.command_options import given_on_the_command_line
from shared.system.log_format import HELP as LOG_HELP

if TYPE_CHECKING:
    from client.api.fits import AskedFit

KEY_HELP = "What opens the vault: file:PATH, env:VARIABLE (64 hexadecimal digits) or passphrase:VARIABLE."
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
    Path | None,
    typer.Option(
        "--heads", metavar="DIR", help="The folder of the platform's heads, where no agent's is. Default: none."
    ),
]
VaultKey = Annotated[
    str,
    typer.Option(
        "--vault-key",
        metavar="KIND:WHERE",
        envvar="GRAFT_VAULT_KEY",
        help="What opens the vault in the folder of heads: file:PATH, env:VARIABLE or passphrase:VARIABLE. Without it "
        "heads are plain files.",
    ),
]
Received = Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file that was received.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]
ReceivedOrNone = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        metavar="FILE",
        help="The encoder file that was received; without it the platform's own recommender is fitted alone.",
    ),
]


def asked_fit(
    folder: str, encoder: Path | None, data: DataSettings, asked: FitSettings, heads: Path | None, vault_key: str
) -> "AskedFit":
    """The fit that a command's arguments ask for; raises ConfigError."""
    from client.api.fits import ask_fit, told_by_an_agent

    given = [*given_on_the_command_line(told_by_an_agent()), *(["--heads"] if heads is not None else [])]
    return ask_fit(folder, encoder, data, asked, heads=heads, vault_key=vault_key, given=given)
