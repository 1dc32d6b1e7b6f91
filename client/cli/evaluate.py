"""``graft-client evaluate``: how good what a fit would serve is, as a table or as JSON."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from client.cli.arguments import PlatformOrAgent, Received, VaultKey, asked_fitting
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.command_options import with_options

if TYPE_CHECKING:
    from client.evaluation.lift import Interval
    from client.fitting.served_evaluation import ServedEvaluation


@with_options
def evaluate(
    folder: PlatformOrAgent,
    encoder: Received,
    data: DataSettings,
    asked: FitSettings,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    vault_key: VaultKey = "",
) -> None:
    """Say how good what `fit` would serve is: every user's last event, which nothing was fitted on, ranked among all
    items by each method.

    Fits as `fit` does and stores nothing; an agent's folder brings its settings, and what callers reported.
    """
    from client.agent.private_part import heads_and_key
    from client.fitting.served_evaluation import evaluate_fit
    from client.fitting.served_fit import open_fit
    from client.serving.private_folder import open_private_folder
    from client.serving.reported_events import ReportedEvents

    fitting, agent = asked_fitting(folder, data, asked)
    reports = heads = None
    if agent is not None:
        private = open_private_folder(*heads_and_key(agent, None, vault_key))
        reports, heads = ReportedEvents(entries=private.reported()), private.heads
    show(evaluate_fit(open_fit(fitting.data, encoder, fitting.settings, reports, heads).fit), as_json=as_json)


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
