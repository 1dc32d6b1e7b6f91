"""The result as a table: in the terminal, and as Markdown for the documentation."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from simulations.outcomes import LOCAL

COLUMNS = ("platform", "method", "NDCG@10", "Recall@10", "MRR", "coverage@10", "lift over local", "of oracle")


def rich_table(document: Mapping[str, Any]) -> Table:
    """The table for a terminal, made from what ``result.json`` holds."""
    table = Table(title=title(document), title_justify="left")
    for name, justify in zip(_columns(document), ["left", "left", *["right"] * 6], strict=False):
        table.add_column(name, justify="right" if justify == "right" else "left")
    previous = None
    for row in rows(document):
        if previous not in (None, row[0]):
            table.add_section()
        shown = ("" if row[0] == previous else row[0], *row[1:])
        table.add_row(*shown[: len(_columns(document))], style="bold" if row[1] == LOCAL else None)
        previous = row[0]
    return table


def markdown_table(document: Mapping[str, Any]) -> str:
    """The same table in Markdown, with a title line above it."""
    columns = _columns(document)
    lines = [title(document), "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(row[: len(columns)])} |" for row in rows(document)]
    return "\n".join(lines) + "\n"


def title(document: Mapping[str, Any]) -> str:
    """One line that says what the numbers are, ``synthetic`` where they are."""
    kind = "Synthetic world: no real data" if document["synthetic"] else "Real folders"
    state = "" if document["complete"] else "; stopped before its end"
    seeds = document["config"].get("seeds", 1)
    return f"{kind}; source {document['source'] or 'none'}; {seeds} seed{'s' * (seeds != 1)}; full ranking{state}"


def rows(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row of texts for each platform and method."""
    for platform, entry in document["platforms"].items():
        for method, found in entry["methods"].items():
            share = found.get("share_of_oracle")
            yield (
                platform + (" (synthetic)" if document["synthetic"] else ""),
                method,
                *(f"{found[metric]:.4f}" for metric in ("ndcg@10", "recall@10", "mrr")),
                f"{found['coverage@10']:.2f}",
                lift_text(found["lift"]),
                "" if share is None else f"{share:.0%}",
            )


def lift_text(lift: Mapping[str, Any] | None) -> str:
    """``+12.3 % [+4.0, +20.1]``, or a dash."""
    if lift is None:
        return "-"
    return f"{lift['mean']:+.1f} % [{lift['low']:+.1f}, {lift['high']:+.1f}]"


def _columns(document: Mapping[str, Any]) -> tuple[str, ...]:
    return COLUMNS if document["synthetic"] else COLUMNS[:-1]
