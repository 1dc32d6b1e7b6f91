"""``graft-client pretrain``: an encoder from a platform folder."""

from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.cli.arguments import PlatformLine
from client.data.folder_options import DataSettings
from shared.encoder.presets import EncoderSize
from shared.encoder.provenance import Authorship
from shared.privacy.promise import RequestedPromise
from shared.system.answer import AsJson, tell_json
from shared.system.command_options import with_options
from shared.system.progress import shown

if TYPE_CHECKING:
    from client.fitting.pretrain import PretrainOutcome


@with_options
def pretrain(
    folder: PlatformLine,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The encoder file to write.")],
    size: EncoderSize,
    data: DataSettings,
    promise: RequestedPromise,
    authorship: Authorship,
    as_json: AsJson = False,
) -> None:
    """Pretrain an encoder on a platform folder and write it to a file.

    No id and no text is in it; but unless it is private, who has it can tell by it who was among few users.
    """
    with shown("pretrain"):
        from client.api.training import pretrain_with

        outcome = pretrain_with(folder, out, size, data, promise, authorship, now=datetime.now(UTC))
    if as_json:
        validation = None if isnan(outcome.best_validation) else outcome.best_validation
        figures = {"parameters": outcome.parameters, "epochs": outcome.epochs, "validation_ndcg": validation}
        tell_json(
            {
                "file": str(out),
                **figures,
                "device": outcome.device,
                "epsilon": promise.epsilon if promise.is_private else None,
            }
        )
        return
    typer.echo(f"{out}: {outcome.parameters:,} parameters{_how(outcome, promise)}, on {outcome.device}")


def _how(outcome: "PretrainOutcome", promise: RequestedPromise) -> str:
    if promise.is_private:
        return f", the linear part alone, under ε {promise.epsilon:g} a user"
    if isnan(outcome.best_validation):
        return f" after {outcome.epochs} epochs, not validated: too few users to spare some"
    return f" after {outcome.epochs} epochs, validation NDCG@10 {outcome.best_validation:.4f}"
