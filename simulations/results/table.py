"""The result as a table: in the terminal, and as Markdown for the documentation."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from client.ensemble.candidates import LOCAL

COLUMNS = ("platform", "method", "NDCG@10", "Recall@10", "MRR", "coverage@10", "lift over local", "of oracle")
_IN_MARKDOWN = (
    ("platform", "method", "NDCG@10", "lift over local", "of oracle"),
    ("platform", "method", "Recall@10", "MRR", "coverage@10"),
)
"""Columns of the two tables: a table of a document has six at most."""
_LESS_WIDE = ((), ("MRR", "coverage@10"), ("MRR", "coverage@10", "Recall@10"))
"""Columns left out, the first set that lets the table fit its console."""
_SYNTHETIC = " (synthetic)"
_OF_CLICKS = {"AUC": "auc", "nDCG@10": "ndcg@10", "ECE": "ece", "scaled": "ece_scaled"}
"""Column of the table of clicks: name in ``result.json``."""


def rich_table(document: Mapping[str, Any], width: int) -> Table:
    """The table for a terminal, made from what ``result.json`` holds.

    Where it is too wide, columns go, lifts lose their decimals, and platforms the label that the title bears too.

    Args:
        document: what ``result.json`` holds.
        width: of the terminal, in characters.

    Returns:
        The table.
    """
    tables = []
    for left_out in _LESS_WIDE:
        for short in (False, True):
            table = Table(title=title(document), title_justify="left", box=SIMPLE_HEAD if short else HEAVY_HEAD)
            shown = [column for column in _columns(document) if column not in left_out]
            styled_rows = [(row, row[1] == LOCAL) for row in rows(document, short=short)]
            tables.append(filled(table, COLUMNS, shown, styled_rows))
    return widest(tables, width)


def filled(
    table: Table, columns: Sequence[str], shown: Sequence[str], styled_rows: Iterable[tuple[Sequence[str], bool]]
) -> Table:
    """The table with some of the columns, and a section for each platform.

    Args:
        table: an empty one, which is filled.
        columns: all names; the first two name platform and method.
        shown: those of ``columns`` that the table gets.
        styled_rows: rows with a text for each of ``columns``, and whether they are bold.

    Returns:
        The same table.
    """
    for name in shown:
        table.add_column(name, justify="left" if name in columns[:2] else "right", no_wrap=True)
    previous = None
    for row, bold in styled_rows:
        if previous not in (None, row[0]):
            table.add_section()
        cells = dict(zip(columns, row, strict=True)) | ({columns[0]: ""} if row[0] == previous else {})
        table.add_row(*(cells[name] for name in shown), style="bold" if bold else None)
        previous = row[0]
    return table


def widest(tables: Sequence[Table], width: int) -> Table:
    """The first table that fits, nothing cut; the last where none does.

    Args:
        tables: from the widest to the narrowest; at least one.
        width: of the terminal, in characters.

    Returns:
        One of the tables.
    """
    console = Console(width=10_000, file=io.StringIO())
    return next((table for table in tables if console.measure(table).maximum <= width), tables[-1])


def markdown_table(document: Mapping[str, Any]) -> str:
    """The same in Markdown as two tables, with a title line above them."""
    columns = _columns(document)
    parts = [[column for column in part if column in columns] for part in _IN_MARKDOWN]
    return f"{title(document)}\n\n{markdown_tables(parts, COLUMNS, list(rows(document)))}"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        heads: of the columns.
        rows: each with a text for each column.

    Returns:
        The table, with an end of line.
    """
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def markdown_tables(parts: Iterable[Sequence[str]], heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is too wide for a document, as several tables in Markdown, a blank line between them.

    Args:
        parts: of each table, the heads of its columns.
        heads: of all columns.
        rows: each with a text for each of ``heads``.

    Returns:
        The tables, with an end of line.
    """
    cells = [dict(zip(heads, row, strict=True)) for row in rows]
    return "\n".join(markdown(part, [[row[head] for head in part] for row in cells]) for part in parts)


def title(document: Mapping[str, Any]) -> str:
    """One line that says what the numbers are, ``synthetic`` where they are."""
    kind = "Synthetic world: no real data" if document["synthetic"] else "Real folders"
    state = "" if document["complete"] else "; stopped before its end"
    seeds = document["config"].get("seeds", 1)
    return f"{kind}; source {document['source'] or 'none'}; {seeds} seed{'s' * (seeds != 1)}; full ranking{state}"


def rows(document: Mapping[str, Any], *, short: bool = False) -> Iterator[tuple[str, ...]]:
    """One row of texts for each platform and method.

    Args:
        document: what ``result.json`` holds.
        short: whether they are for a narrow terminal: lifts without decimals, platforms without the label
            ``(synthetic)``.

    Returns:
        Rows with a text for each of ``COLUMNS``.
    """
    label = _SYNTHETIC if document["synthetic"] and not short else ""
    for platform, entry in document["platforms"].items():
        for method, method_entry in entry["methods"].items():
            share = method_entry.get("share_of_oracle")
            yield (
                platform + label,
                method,
                *(f"{method_entry[metric]:.4f}" for metric in ("ndcg@10", "recall@10", "mrr")),
                f"{method_entry['coverage@10']:.2f}",
                lift_text(method_entry["lift"], 0 if short else 1),
                "" if share is None else f"{share:.0%}",
            )


def lift_text(lift: Mapping[str, Any] | None, decimals: int = 1) -> str:
    """A lift as ``+12.3 % [+4.0, +20.1]``, or a dash.

    Args:
        lift: ``mean``, ``low`` and ``high`` in percent; None where there is none.
        decimals: digits after the point.

    Returns:
        The text.
    """
    if lift is None:
        return "-"
    mean, low, high = (f"{lift[name]:+.{decimals}f}" for name in ("mean", "low", "high"))
    return f"{mean} % [{low}, {high}]"


def _columns(document: Mapping[str, Any]) -> tuple[str, ...]:
    return COLUMNS if document["synthetic"] else COLUMNS[:-1]


def clicks_table(document: Mapping[str, Any]) -> Table | None:
    """Click prediction on every platform that has impressions, for a terminal; None where none has."""
    blocks = {name: entry["clicks"] for name, entry in document["platforms"].items() if entry.get("clicks")}
    if not blocks:
        return None
    table = Table(title="Clicks on test impressions", title_justify="left", box=SIMPLE_HEAD)
    for column in ("platform", "method", *_OF_CLICKS, "lift of AUC over local"):
        table.add_column(column, justify="left" if column in ("platform", "method") else "right")
    for name, block in blocks.items():
        for place, (method, method_entry) in enumerate(block["methods"].items()):
            figures = [f"{method_entry[metric]:.3f}" for metric in _OF_CLICKS.values()]
            table.add_row("" if place else name, method, *figures, lift_text(method_entry["lift"]))
        table.add_section()
    return table
