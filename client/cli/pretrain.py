"""``graft-client pretrain``: an encoder from a platform folder."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import PlatformLine
from client.data.folder_options import DataSettings
from shared.encoder.presets import EncoderSize
from shared.privacy.promise import Asked
from shared.system.command_options import with_options
from shared.system.progress import shown


@with_options
def pretrain(
    folder: PlatformLine,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The encoder file to write.")],
    size: EncoderSize,
    data: DataSettings,
    promise: Asked,
) -> None:
    """Pretrain an encoder on a platform folder and write it to a file.

    No id and no text is in it; but unless it is private, who has it can tell by it who was among few users.
    """
    with shown("pretrain"):
        from client.api.training import pretrain_with

        outcome = pretrain_with(folder, out, size, data, promise)
    if promise.is_private:
        typer.echo(
            f"{out}: {outcome.parameters:,} parameters, the linear part alone, under ε {promise.epsilon:g} a user"
        )
        return
    judged = f"validation NDCG@10 {outcome.best_validation:.4f}"
    if isnan(outcome.best_validation):
        judged = "not validated: too few users to spare some"
    typer.echo(f"{out}: {outcome.parameters:,} parameters after {outcome.epochs} epochs, {judged}")
