"""``graft-client fit``: fit what a platform serves."""

from typing import Annotated

import typer

from client.cli.arguments import Heads, PlatformOrAgent, ReceivedOrNone, VaultKey, asked_fit
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from client.fitting.refresh_option import Refreshing
from shared.system.answer import tell
from shared.system.command_options import with_options
from shared.system.progress import shown

_HINTS = {
    "train own": "the platform's own encoder takes minutes; --no-own leaves it out, and the received one then competes "
    "with a weaker recommender of the platform's own"
}
"""what is said where a step takes long"""


@with_options
def fit(
    folder: PlatformOrAgent,
    data: DataSettings,
    asked: FitSettings,
    refreshing: Refreshing,
    encoder: ReceivedOrNone = None,
    heads: Heads = None,
    vault_key: VaultKey = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the gate's verdict as JSON.")] = False,
) -> None:
    """Fit a recommender with a received encoder, decide whether the encoder is served, and store it.

    The encoder that the heads serve until now competes too; what is above local beyond noise, and best, is served.
    What callers reported to a service of the same heads is fitted on, too.
    Of an agent's folder, its settings say what the data are and how they are prepared, its vault keeps the heads, and
    its ledger tells whether the platform helped to train encoders.
    With --since what is served is refreshed by events that have come, in a small part of the time.
    Stored is all that a list is computed from, texts and users' histories too: keep DIR as private as the data, or make
    it a vault (`graft-client vault make`) and say where its key is.
    """
    from client.ensemble.candidates import LOCAL

    with shown("fit", hints=_HINTS):
        wanted = asked_fit(folder, encoder, data, asked, heads, vault_key)
        private = wanted.private_folder()
        told = wanted.stored(private, refreshing)
    what = f"{LOCAL}, the platform's own recommender" if told.served == LOCAL else told.served
    tell(told.to_json(), f"{private.folder}: serves {what}; {told.reason}", as_json=as_json)
