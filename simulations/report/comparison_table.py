"""A comparison of two runs as a table: in the terminal, and as Markdown."""

from collections.abc import Iterator

from rich.table import Table

from simulations.report.comparison import ComparedMethod, Comparison
from simulations.results.table import lift_text, natural_width

COLUMNS = ("platform", "method", "seeds", "users", "first", "second", "difference", "in %")
_LESS_WIDE = ((), ("seeds", "users"), ("seeds", "users", "in %"), ("seeds", "users", "in %", "second"))
"""Columns left out, the first set that lets the table fit its console."""


def rich_comparison(comparison: Comparison, width: int) -> Table:
    """The table for a terminal of ``width`` characters; differences whose interval excludes zero are bold."""
    for left_out in _LESS_WIDE:
        table = _table(comparison, left_out)
        if natural_width(table) <= width:
            break
    return table


def markdown_comparison(comparison: Comparison) -> str:
    """Every column in Markdown, with the lines of ``heading`` above."""
    lines = [*heading(comparison), "", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(row)} |" for _, row in _rows(comparison)]
    return "\n".join(lines) + "\n"


def heading(comparison: Comparison) -> list[str]:
    """What the numbers are, in what the runs differ, and what only one of them has; a line each."""
    kind = "synthetic world: no real data" if comparison.synthetic else "real folders"
    state = "" if comparison.complete else "; stopped before its end"
    lines = [f"NDCG@10, second minus first, by user, 95 % intervals; {kind}{state}"]
    lines += [f"first: {comparison.first}", f"second: {comparison.second}"]
    lines += [f"changed: {name} from {before} to {after}" for name, (before, after) in comparison.changed.items()]
    for run, others in (("first", comparison.only_first), ("second", comparison.only_second)):
        if others:
            lines.append(f"only in the {run}: {', '.join(others)}")
    return lines


def _table(comparison: Comparison, left_out: tuple[str, ...]) -> Table:
    shown = [column for column in COLUMNS if column not in left_out]
    table = Table()
    for name in shown:
        table.add_column(name, justify="left" if name in COLUMNS[:2] else "right", no_wrap=True)
    previous = None
    for one, row in _rows(comparison):
        if previous not in (None, one.platform):
            table.add_section()
        cells = dict(zip(COLUMNS, row, strict=True)) | ({"platform": ""} if one.platform == previous else {})
        table.add_row(*(cells[name] for name in shown), style="bold" if one.difference.clear_of_zero else None)
        previous = one.platform
    return table


def _rows(comparison: Comparison) -> Iterator[tuple[ComparedMethod, tuple[str, ...]]]:
    for one in comparison.methods:
        lift = None if one.lift is None else one.lift.to_json()
        yield (
            one,
            (
                one.platform,
                one.method,
                str(len(one.seeds)),
                str(one.users),
                f"{one.first:.4f}",
                f"{one.second:.4f}",
                f"{one.difference.mean:+.4f} [{one.difference.low:+.4f}, {one.difference.high:+.4f}]",
                lift_text(lift),
            ),
        )
