"""Reading a trace: a CSV or Parquet file with a row for each spell, checked before anything is simulated by it."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.tables import first_line, read_parquet
from shared.errors import DataError
from simulations.devices.daily_curve import DAY
from simulations.devices.trace import Trace

DEVICE, START, END = "device", "start", "end"
SPEEDS = ("speed", "download", "upload")
"""columns that a file may have beside"""


def read_trace(path: Path, *, began: float) -> Trace:
    """Read a trace.

    Args:
        path: a file that ends in ``.csv`` or ``.parquet``; docs/devices-simulation.md says what is in it.
        began: virtual time of the start, from which the file counts its seconds.

    Returns:
        The trace, its devices in the order of their numbers, or of their names where these are no whole numbers.

    Raises:
        DataError: if the file cannot be read, or is no trace; the message names the row, from 1.
    """
    table = _with_numbers(path, _table(path))
    _check_spells(path, table)
    speeds = {name: _speed(path, table, name) for name in SPEEDS if name in table.columns}
    spells = _joined(table)
    counts = spells.group_by(DEVICE, maintain_order=True).len()["len"].to_numpy()
    return Trace(
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        starts=spells[START].to_numpy(),
        ends=spells[END].to_numpy(),
        period=float(np.ceil(spells[END].to_numpy().max() / DAY) * DAY),
        began=began,
        computing=speeds.get("speed"),
        download=speeds.get("download"),
        upload=speeds.get("upload"),
    )


def _table(path: Path) -> pl.DataFrame:
    """The file as it is."""
    if path.suffix == ".parquet":
        return read_parquet(path)
    if path.suffix != ".csv":
        raise DataError(f"{path}: expected a trace, a file that ends in .csv or .parquet; found {path.suffix or path}")
    try:
        return pl.read_csv(path, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: cannot be read as CSV ({first_line(error)})") from error


def _with_numbers(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """With columns of numbers, devices in their order; raises DataError for other columns, or what is no number."""
    columns = (DEVICE, START, END, *SPEEDS)
    lacking = [name for name in (DEVICE, START, END) if name not in table.columns]
    unknown = [name for name in table.columns if name not in columns]
    if lacking or unknown or not table.height:
        fault = f"no {lacking[0]}" if lacking else unknown[0] if unknown else "no rows"
        raise DataError(f"{path}: expected rows with device, start, end and perhaps {', '.join(SPEEDS)}; found {fault}")
    _check_types(path, table)
    numbers = [name for name in table.columns if name != DEVICE]
    read = table.with_columns(pl.col(DEVICE).cast(pl.String), pl.col(numbers).cast(pl.Float64, strict=False))
    for name in numbers:
        _check(path, table, name, read[name].is_finite().fill_null(value=False), "a number")
    _check(path, table, DEVICE, read[DEVICE].is_not_null(), "a number or name")
    return _in_order(read)


def _check_types(path: Path, table: pl.DataFrame) -> None:
    """Raise DataError for a column of another type than text and numbers, as times are."""
    for name, kind in table.schema.items():
        if not (kind == pl.String or (kind.is_integer() if name == DEVICE else kind.is_numeric())):
            expected = "whole numbers or names" if name == DEVICE else "numbers"
            raise DataError(f"{path}: {name} must be {expected}; found {kind}")


def _in_order(table: pl.DataFrame) -> pl.DataFrame:
    """With the devices' numbers where all are whole numbers, else their names; with each row's number, from 1."""
    numbers = table[DEVICE].cast(pl.Int64, strict=False)
    devices = table[DEVICE] if numbers.has_nulls() else numbers
    return table.with_columns(devices).with_row_index("row", offset=1).sort(DEVICE, START, END)


def _check_spells(path: Path, table: pl.DataFrame) -> None:
    _check(path, table, START, table[START] >= 0, "0 or more seconds")
    _check(path, table, END, table[END] > table[START], "more seconds than its start")


def _speed(path: Path, table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """A column's value for each device [V]; raises DataError where it is not above 0, or differs between its rows."""
    _check(path, table, name, table[name] > 0, "above 0")
    first = table.select(pl.col(name).first().over(DEVICE))[name]
    _check(path, table, name, table[name] == first, "the same in all rows of a device")
    return table.group_by(DEVICE, maintain_order=True).first()[name].to_numpy()


def _check(path: Path, table: pl.DataFrame, name: str, holds: pl.Series, expected: str) -> None:
    """Raise DataError for the first row in which something does not hold."""
    if not holds.all():
        row = int(holds.arg_min() or 0)
        number = table["row"][row] if "row" in table.columns else row + 1
        raise DataError(f"{path}: row {number}: {name} must be {expected}; found {table[name][row]}")


def _joined(table: pl.DataFrame) -> pl.DataFrame:
    """The spells, those of a device that overlap or touch joined to one; in order."""
    before = pl.col(END).cum_max().shift(1).over(DEVICE)
    begins = (pl.col(START) > before).fill_null(value=True)
    numbered = table.with_columns(begins.cum_sum().alias("spell"))
    return numbered.group_by(DEVICE, "spell", maintain_order=True).agg(pl.col(START).first(), pl.col(END).max())
