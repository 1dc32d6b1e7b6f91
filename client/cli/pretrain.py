"""``graft-client pretrain``: an encoder from a platform folder."""

from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import Features, MinItemEvents, MinUserEvents, PlatformLine, Seed
from shared.encoder.presets import PRESETS


def pretrain(
    folder: PlatformLine,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The encoder file to write.")],
    encoder: Annotated[str, typer.Option(help=f"Size of the encoder: {', '.join(PRESETS)}.")] = "small",
    features: Features = "hashing",
    seed: Seed = 0,
    min_user_events: MinUserEvents = 3,
    min_item_events: MinItemEvents = 1,
) -> None:
    """Pretrain an encoder on a platform folder and write it to a file that holds no user and no item."""
    from client.data.spec import parse_folder
    from client.fitting.pretrain import pretrain_folder

    spec = parse_folder(folder)
    preparation = spec.preparation(min_user_events, min_item_events)
    outcome = pretrain_folder(spec.path, out, preparation=preparation, features=features, preset=encoder, seed=seed)
    typer.echo(
        f"{out}: {outcome.parameters:,} parameters after {outcome.epochs} epochs, "
        f"validation NDCG@10 {outcome.best_validation:.4f}"
    )
