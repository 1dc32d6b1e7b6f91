"""The figures as one tidy table in a Parquet file, which stands in the repository in place of the cells."""

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from shared.errors import DataError
from shared.system.whole_file import write_whole
from simulations.benchmark.figures import Figure, Figures, Place
from simulations.benchmark.pairs import FRACTIONS, fraction_name

COLUMNS: dict[str, type[pl.DataType]] = {
    "name": pl.String,
    "related": pl.String,
    "platform": pl.String,
    "fraction": pl.Float64,
    "seed": pl.Int64,
    "method": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "options": pl.String,
    "versions": pl.String,
}
"""Fields of ``Place`` and ``Figure``; ``fraction`` is in the platform's name, and null where it is in none."""
_PLACE = [field.name for field in fields(Place)]
_FIGURE = [field.name for field in fields(Figure) if field.name != "place"]
_FRACTIONS = {fraction_name(fraction): fraction for fraction in FRACTIONS}


def figure_rows(figures: Figures) -> list[dict[str, Any]]:
    """One row for each figure, in their order; its keys are those of ``COLUMNS``."""
    return [
        {name: getattr(row.place, name) for name in _PLACE}
        | {name: getattr(row, name) for name in _FIGURE}
        | {"fraction": _FRACTIONS.get(row.place.platform)}
        for row in figures.rows
    ]


def write_figures(figures: Figures, path: Path) -> None:
    """Write the table, whole or not at all.

    Args:
        figures: one row each, in their order.
        path: of the Parquet file.
    """
    content = io.BytesIO()
    pl.DataFrame(figure_rows(figures), schema=COLUMNS).write_parquet(content, compression="zstd", compression_level=19)
    write_whole(path, content.getvalue())


def read_figures(path: Path) -> Figures:
    """The inverse of ``write_figures``.

    Args:
        path: of the Parquet file.

    Raises:
        DataError: if the file is missing or is no such table.
    """
    try:
        frame = pl.read_parquet(path, columns=list(COLUMNS))
    except (OSError, PolarsError):
        raise DataError(f"{path} must be a table of figures that the benchmark wrote; it cannot be read") from None
    return Figures(
        [
            Figure(place=Place(**{name: row[name] for name in _PLACE}), **{name: row[name] for name in _FIGURE})
            for row in frame.iter_rows(named=True)
        ]
    )
