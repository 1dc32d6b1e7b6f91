"""``graft-client fit``: fit what a platform serves."""

import json
from typing import Annotated

import typer

from client.cli.arguments import Heads, PlatformOrAgent, Received, VaultKey, asked_fitting
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.command_options import with_options
from shared.system.progress import shown


@with_options
def fit(
    folder: PlatformOrAgent,
    encoder: Received,
    data: DataSettings,
    asked: FitSettings,
    heads: Heads = None,
    vault_key: VaultKey = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the gate's verdict as JSON.")] = False,
) -> None:
    """Fit a recommender with a received encoder, decide whether the encoder is served, and store it.

    The encoder that the heads serve until now competes too; what is above local beyond noise, and best, is served.
    What callers reported to a service of the same heads is fitted on, too.
    Of an agent's folder, its settings say what the data are and how they are prepared, its vault keeps the heads, and
    its ledger tells whether the platform helped to train encoders.
    Stored is all that a list is computed from, texts and users' histories too: keep DIR as private as the data, or make
    it a vault (`graft-client vault make`) and say where its key is.
    """
    with shown("fit"):
        from client.agent.private_part import heads_and_key
        from client.fitting.served_fit import fit_recommender
        from client.serving.private_folder import open_private_folder
        from client.serving.reported_events import ReportedEvents

        fitting, agent = asked_fitting(folder, data, asked, heads)
        place, key = heads_and_key(agent, heads, vault_key)
        private = open_private_folder(place, key)
        reports = ReportedEvents(entries=private.reported())
        verdict = fit_recommender(fitting.data, encoder, private.heads, fitting.settings, reports)
    told = json.dumps(verdict.to_json(), indent=2)
    typer.echo(told if as_json else f"{place}: serves {verdict.served}; {verdict.reason}")
