"""``graft-client evaluate``: how good what a fit would serve is, as a table or as JSON."""

import json

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from client.ensemble.candidates import LOCAL
from client.evaluation.lift import Interval
from client.fitting.served_evaluation import ServedEvaluation


def show(found: ServedEvaluation, *, as_json: bool) -> None:
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


def _lift(method: str, lift: Interval | None) -> str:
    if method == LOCAL:
        return ""
    return "unknown" if lift is None else f"{lift.mean:+.1f} [{lift.low:+.1f}, {lift.high:+.1f}]"
