"""``graft-sim world``: the synthetic platforms as folders."""

from pathlib import Path
from typing import Annotated

import typer


def world(
    out: Annotated[Path, typer.Option(help="The folder to which a folder for each platform is added.")],
    drift: Annotated[float, typer.Option(help="How far trades lie apart, 0 to 1.")] = 0.2,
    share: Annotated[float, typer.Option(help="Share of each platform's users, above 0 and up to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
) -> None:
    """Write the synthetic platforms as folders: a news site, two shops, a film service and a tiny shop."""
    from simulations.synthetic.world_folders import write_world

    for line in write_world(out, drift=drift, share=share, seed=seed):
        typer.echo(line)
