"""``graft-client assess``: what ``fit`` would serve with an encoder on offer, and whether to join for it."""

from typing import Annotated

import typer

from client.cli.arguments import Heads, PlatformOrAgent, Received, VaultKey, asked_fit
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.answer import tell
from shared.system.command_options import with_options
from shared.system.progress import shown


@with_options
def assess(
    folder: PlatformOrAgent,
    encoder: Received,
    data: DataSettings,
    asked: FitSettings,
    heads: Heads = None,
    vault_key: VaultKey = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the assessment as JSON.")] = False,
) -> None:
    """Say before joining what `fit` would serve with this encoder, and whether joining is worth it.

    Nothing leaves the machine. Fits as `fit` does and stores no fit; an agent's folder, or --heads, brings what is
    served now and what callers reported. Of a large platform, `DIR,max-users=1500` is
    assessed sooner. The platform's users must be others than those the encoder was pretrained on: of users whom it has
    seen it promises too much.
    """
    with shown("assess"):
        from client.fitting.served_evaluation import assess_fit

        assessment = assess_fit(asked_fit(folder, encoder, data, asked, heads, vault_key).opened())
    tell(assessment.to_json(), "\n".join(assessment.lines()), as_json=as_json)
