"""Arguments that several commands of ``graft-device`` take."""

from pathlib import Path
from typing import Annotated

import typer

DeviceFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The device's folder.")]
