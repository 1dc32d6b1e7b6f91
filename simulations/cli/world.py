"""``graft-sim world``: the synthetic platforms as folders."""

from pathlib import Path
from typing import Annotated

import typer

from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options
from shared.system.options import Seeded
from simulations.synthetic.config import WorldConfig


@with_options
def world(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to which a folder for each platform is added.")],
    drawn: WorldConfig,
    seeded: Seeded,
    share: Annotated[float, typer.Option(help="Share of each platform's users, above 0 and up to 1.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Write the synthetic platforms as folders: a news site, two shops, a film service and a tiny shop."""
    from simulations.synthetic.folders import write_world

    written = write_world(out, drawn, share=share, seed=seeded.seed)
    tell([folder.to_json() for folder in written], "\n".join(folder.line() for folder in written), as_json=as_json)
