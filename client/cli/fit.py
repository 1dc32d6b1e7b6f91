"""``graft-client fit``: fit what a platform serves."""

from pathlib import Path

import typer

from client.cli.arguments import (
    Features,
    Heads,
    MinItemEvents,
    MinUserEvents,
    PlatformOrAgent,
    Received,
    Seed,
    VaultKey,
)
from client.cli.encoder_use import (
    Adapters,
    Aligned,
    Methods,
    MomentsWeight,
    OwnEncoder,
    TeacherOf,
    TookPart,
    refuse_what_the_agent_says,
)


def fit(
    folder: PlatformOrAgent,
    encoder: Received,
    heads: Heads = None,
    features: Features = "hashing",
    seed: Seed = 0,
    min_user_events: MinUserEvents = 3,
    min_item_events: MinItemEvents = 1,
    took_part: TookPart = False,
    own: OwnEncoder = True,
    methods: Methods = "feature",
    teacher: TeacherOf = "encoder",
    alignment: Aligned = "off",
    adapters: Adapters = "none",
    moments_weight: MomentsWeight = 0.0,
    vault_key: VaultKey = "",
) -> None:
    """Fit a recommender with a received encoder, decide whether the encoder is served, and store it.

    The encoder that the heads serve until now competes too; what is above local beyond noise, and best, is served.
    What callers reported to a service of the same heads is fitted on, too.
    Of an agent's folder, its settings say what the data are and how they are prepared, its vault keeps the heads, and
    its ledger tells whether the platform helped to train encoders.
    Stored is all that a list is computed from, texts and users' histories too: keep DIR as private as the data, or make
    it a vault (`graft-client vault make`) and say where its key is.
    """
    from client.agent.fitting import agents_fitting, is_agent, platform_fitting, with_contenders
    from client.agent.private_part import heads_and_key
    from client.fitting.served_fit import fit_recommender
    from client.serving.private_folder import open_private_folder
    from client.serving.reported_events import ReportedEvents

    if is_agent(Path(folder)):
        refuse_what_the_agent_says()
        chosen = agents_fitting(Path(folder))
        place, key = heads_and_key(Path(folder), heads, vault_key)
    else:
        chosen = platform_fitting(folder, features, seed, min_user_events, min_item_events, took_part=took_part)
        place, key = heads_and_key(None, heads, vault_key)
    chosen = with_contenders(
        chosen,
        own=own,
        methods=methods,
        teacher=teacher,
        alignment=alignment,
        adapters=adapters,
        moments_weight=moments_weight,
    )
    private = open_private_folder(place, key)
    reports = ReportedEvents(entries=private.reported())
    verdict = fit_recommender(chosen.data, encoder, private.heads, chosen.settings, reports)
    typer.echo(f"{place}: serves {verdict.served}; {verdict.reason}")
