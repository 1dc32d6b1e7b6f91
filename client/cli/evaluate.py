"""``graft-client evaluate``: how good what a fit would serve is, as a table or as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from client.cli.arguments import Features, MinItemEvents, MinUserEvents, PlatformOrAgent, Received, Seed, VaultKey
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

if TYPE_CHECKING:
    from client.evaluation.lift import Interval
    from client.fitting.served_evaluation import ServedEvaluation


def evaluate(
    folder: PlatformOrAgent,
    encoder: Received,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    vault_key: VaultKey = "",
) -> None:
    """Say how good what `fit` would serve is: every user's last event, which nothing was fitted on, ranked among all
    items by each method.

    Fits as `fit` does and stores nothing; an agent's folder brings its settings, and what callers reported.
    """
    from client.agent.fitting import agents_fitting, is_agent, platform_fitting, with_contenders
    from client.agent.private_part import heads_and_key
    from client.fitting.served_evaluation import evaluate_fit
    from client.fitting.served_fit import open_fit
    from client.serving.private_folder import open_private_folder
    from client.serving.reported_events import ReportedEvents

    reports = heads = None
    if is_agent(Path(folder)):
        refuse_what_the_agent_says()
        chosen = agents_fitting(Path(folder))
        place, key = heads_and_key(Path(folder), None, vault_key)
        private = open_private_folder(place, key)
        reports, heads = ReportedEvents(entries=private.reported()), private.heads
    else:
        chosen = platform_fitting(folder, features, seed, min_user_events, min_item_events, took_part=took_part)
    chosen = with_contenders(
        chosen,
        own=own,
        methods=methods,
        teacher=teacher,
        alignment=alignment,
        adapters=adapters,
        moments_weight=moments_weight,
    )
    work = open_fit(chosen.data, encoder, chosen.settings, reports, heads)
    show(evaluate_fit(work, chosen.settings.seed), as_json=as_json)


def show(found: "ServedEvaluation", *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
        return
    title = f"The last event of {found.users:,} users among {found.items:,} items, full ranking"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("method")
    for name in ("NDCG@10", "Recall@10", "MRR", "coverage", "lift over local, %"):
        table.add_column(name, justify="right", no_wrap=True)
    for method, one in found.methods.items():
        served = method == found.served
        cells = (
            f"{one.ndcg:.4f}",
            f"{one.recall:.4f}",
            f"{one.mrr:.4f}",
            f"{one.coverage:.1%}",
            _lift(method, one.lift),
        )
        table.add_row(f"{method} (served)" if served else method, *cells, style="bold" if served else None)
    Console().print(table)
    print(f"Served is {found.served}: {found.reason}")


def _lift(method: str, lift: "Interval | None") -> str:
    from client.ensemble.candidates import LOCAL

    if method == LOCAL:
        return ""
    return "unknown" if lift is None else f"{lift.mean:+.1f} [{lift.low:+.1f}, {lift.high:+.1f}]"
