"""Arguments that several commands of ``graft-server`` take."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.folder_command import FOLDER_VARIABLE
from shared.system.log_format import HELP as LOG_HELP

Home = Annotated[
    Path,
    typer.Argument(
        metavar="[DIR]", envvar=FOLDER_VARIABLE, help="The coordinator's folder. Default: the one it is run in."
    ),
]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]
KeyFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--keys",
        metavar="DIR",
        help="A further folder with keys, such as a stick's; may be repeated. Default: DIR/release-keys alone.",
    ),
]
