"""``graft-client evaluate``: how good what a fit would serve is, as a table or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from client.cli.arguments import Heads, PlatformOrAgent, ReceivedOrNone, VaultKey, asked_fit
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.answer import tell_json
from shared.system.command_options import with_options
from shared.system.progress import shown

if TYPE_CHECKING:
    from client.evaluation.lift import Interval
    from client.fitting.served_evaluation import ServedEvaluation


@with_options
def evaluate(
    folder: PlatformOrAgent,
    data: DataSettings,
    asked: FitSettings,
    encoder: ReceivedOrNone = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    heads: Heads = None,
    vault_key: VaultKey = "",
) -> None:
    """Say how good what `fit` would serve is.

    Every user's last event, which nothing was fitted on, is ranked among all items by each method. Fits as `fit` does
    and stores no fit; an agent's folder, or --heads, brings what is served now and what callers reported.
    """
    with shown("evaluate"):
        from client.fitting.served_evaluation import evaluate_fit

        evaluation = evaluate_fit(asked_fit(folder, encoder, data, asked, heads, vault_key).opened())
    show(evaluation, as_json=as_json)


def show(evaluation: "ServedEvaluation", *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        tell_json(evaluation.to_json())
        return
    by = "full ranking" if evaluation.outside is None else "by shortlists"
    title = f"What {evaluation.users:,} users had last among {evaluation.items:,} items, {by}, on {evaluation.device}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("method")
    for name in ("NDCG@10", "Recall@10", "MRR", "coverage", "lift over local, %"):
        table.add_column(name, justify="right", no_wrap=True)
    for method, figures in evaluation.methods.items():
        served = method == evaluation.served
        cells = (
            f"{figures.ndcg:.4f}",
            f"{figures.recall:.4f}",
            f"{figures.mrr:.4f}",
            f"{figures.coverage:.1%}",
            _lift(method, figures.lift),
        )
        table.add_row(f"{method} (served)" if served else method, *cells, style="bold" if served else None)
    Console().print(table)
    print(f"Served is {evaluation.served}: {evaluation.reason}")
    if evaluation.outside is not None:
        print(
            "The catalogue is ranked by shortlists: each scorer's best items, and a sample of the rest. "
            f"Of what users had last, {evaluation.outside:.1%} is on no shortlist and counts as missed."
        )
    for note in evaluation.notes:
        print(f"Careful: {note}")


def _lift(method: str, lift: "Interval | None") -> str:
    from client.ensemble.candidates import LOCAL

    if method == LOCAL:
        return ""
    return "unknown" if lift is None else f"{lift.mean:+.1f} [{lift.low:+.1f}, {lift.high:+.1f}]"
