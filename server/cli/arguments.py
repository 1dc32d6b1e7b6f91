"""Arguments that several commands of ``graft-server`` take."""

from pathlib import Path
from typing import Annotated

import typer

from shared.system.log_format import HELP as LOG_HELP

Home = Annotated[Path, typer.Option("--home", metavar="DIR", envvar="GRAFT_SERVER", help="The coordinator's folder.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
