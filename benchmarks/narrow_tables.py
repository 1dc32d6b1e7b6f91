"""Wide results as Markdown tables of at most six columns."""

from collections.abc import Sequence
from itertools import pairwise

from simulations.results.table import markdown

MOST_COLUMNS = 6
"""Columns that fit a page; ``tests/rules/test_documents.py`` holds all pages to it."""


def narrow_tables(heads: Sequence[str], rows: Sequence[Sequence[object]], *, keys: int, cuts: Sequence[int]) -> str:
    """Write a wide table as several, each of which repeats the columns that name a row.

    Args:
        heads: names of all columns, [C]
        rows: cells of each row, [R][C]
        keys: number of leading columns that every table repeats
        cuts: columns at which a further table begins, ascending

    Returns:
        The tables in Markdown, with an empty line between two.

    Raises:
        ValueError: a table would have more than six columns.
    """
    groups = [(*range(keys), *range(first, last)) for first, last in pairwise((keys, *cuts, len(heads)))]
    widest = max(map(len, groups))
    if widest > MOST_COLUMNS:
        raise ValueError(f"expected tables of at most {MOST_COLUMNS} columns; got one of {widest}")
    return "\n".join(
        markdown([heads[column] for column in group], [[str(row[column]) for column in group] for row in rows])
        for group in groups
    )
