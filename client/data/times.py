"""What a column of timestamps means, for every way in: times in some unit, or each user's order.

Times come out as seconds since 1970: Int64 where all are whole, else Float64, which tells microseconds apart. A number
beyond ``LATEST`` as seconds is in a smaller unit; numbers that could mean several things are asked about.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from client.data.folder_options import Said
from shared.errors import DataError

EARLIEST = 631_152_000
"""1990-01-01: no number before it is taken for seconds unless somebody says so."""
LATEST = 4_102_444_800
"""2100-01-01: no number beyond it is seconds."""
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""How many of a unit are a second."""
ORDER = "order"
"""Numbers that sort events and tell no time."""
SECONDS = "seconds"
CLOCK = "clock"
"""Times of day are known."""
DAYS = "day"
"""Times of which the day is known alone."""
WRITTEN = "written"
"""Times that were times in their source, not numbers."""

_MICROSECOND = 10**6
_NEITHER = "neither"
_DAY = 86_400
"""By so much a clock, or a time that says no zone, may be ahead."""
_MONTH_AND_DAY = ((1, 31), (1, 12))
_COMPACT = (((0, 23), *_MONTH_AND_DAY, (0, 99), (19, 20)), ((0, 59), (0, 23), *_MONTH_AND_DAY))
"""YYYYMMDDHH and YYMMDDHHMM, which also lie between 1990 and 2100 as seconds: bounds of their pairs of digits, the last
pair first."""
_FEW, _MANY = 3, 10
"""Distinct numbers, and hundreds of them, that all read as such dates by no chance: few where as seconds they lie after
today, many else."""
_MISREAD = 3600
"""Seconds after 1970 began: where all times lie there, numbers were taken for nanoseconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeColumn:
    """A column as its source holds it."""

    values: pl.Series
    """Int64, Float64, or dates and times"""
    users: pl.Series | None
    """whose row each is; None where the numbers cannot be positions within a user"""
    row: Callable[[int], str]
    """what errors call the column in a row, rows counted from 0"""
    ways: str
    """how to say what numbers mean, for errors"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """A column as the rest of the client takes it."""

    values: pl.Series
    """seconds, or numbers that only sort"""
    unit: str
    """what it held: one of UNITS, ORDER or WRITTEN"""

    def notes(self) -> tuple[str, ...]:
        """What would surprise whoever made the column, one sentence each."""
        if self.unit == ORDER:
            return ()
        zeros, late = int((self.values == 0).sum()), int((self.values > time.time() + _DAY).sum())
        converted = self.unit not in (SECONDS, WRITTEN)
        unit = (f"timestamps are {self.unit}: read as seconds, with their fraction",) if converted else ()
        none = (f"{zeros:,} timestamps are 0: they come before all others",) if zeros else ()
        return (*unit, *none, *((f"{late:,} timestamps lie after today: feedback comes before them",) if late else ()))


def read_times(column: TimeColumn, time_meaning: Said | None) -> Times:
    """Read what a column of timestamps means: seconds, or an order.

    What is null, negative or not finite stays so.

    Args:
        column: the values, their users, and how errors name a row.
        time_meaning: what numbers mean; None where nobody says.

    Returns:
        the column in seconds since 1970, or as it is where it only sorts, with its unit.

    Raises:
        DataError: if units are mixed, no unit fits, or times lie beyond 2100; it names the first row. Not where times
            only sort.
    """
    if time_meaning == DAYS:
        return _to_the_day(column)
    if column.values.dtype.is_temporal():
        microseconds = column.values.dt.epoch("us")
        if time_meaning != ORDER:
            _require_clock(column, microseconds, time_meaning)
        return Times(values=_in_seconds(microseconds), unit=ORDER if time_meaning == ORDER else WRITTEN)
    if time_meaning == ORDER:
        return Times(values=column.values, unit=ORDER)
    if time_meaning == SECONDS:
        beyond = (column.values > LATEST) & column.values.is_finite()
        _refuse(column, beyond, "expected seconds since 1970, found a number beyond the year 2100")
        return Times(values=column.values, unit=SECONDS)
    unit = meaning(column.values, column.users)
    if unit is None:
        raise _question(column)
    return Times(values=column.values if unit == ORDER else _seconds(column.values, unit), unit=unit)


def clock_of(seconds: pl.Series) -> str:
    """``day`` where all known times are whole days apart, and not one; else ``clock``. Nulls are no times."""
    known = seconds.cast(pl.Float64).filter(seconds.is_finite()).unique()
    return DAYS if len(known) > 1 and ((known - known[0]) % _DAY == 0).all() else CLOCK


def _to_the_day(column: TimeColumn) -> Times:
    """The day's first second in the place of each time; raises DataError where there are none."""
    times = read_times(column, None)
    if times.unit == ORDER:
        raise DataError(f"{column.row(0)}: times=day expects times, found each user's positions")
    return Times(values=times.values // _DAY * _DAY, unit=times.unit)


def meaning(values: pl.Series, users: pl.Series | None) -> str | None:
    """The one unit of all numbers.

    Args:
        values: numbers; null, negative and infinite ones do not count.
        users: whose each number is; None where they are no user's, and so no positions.

    Returns:
        the unit, ORDER for each user's positions 0, 1, 2, ..., or None where they tell neither.
    """
    units = _units(values).drop_nulls().unique().to_list()
    counted = values.is_finite().fill_null(value=False) & (values >= 0)
    if not counted.any():
        return SECONDS  # nothing to take for anything else
    if set(units) <= {_NEITHER} and users is not None and _positions(values.filter(counted), users.filter(counted)):
        return ORDER
    return units[0] if len(units) == 1 and units[0] != _NEITHER else None


def seconds_of(number: float) -> float:
    """One number in seconds, of the largest unit in which it lies before 2100."""
    fitting = (number / parts for parts in UNITS.values() if number <= LATEST * parts)
    return next(fitting, float(LATEST))


def all_early(seconds: pl.Series) -> bool:
    """Whether all lie in the first hour of 1970, and not all are 0."""
    early = (seconds >= 0) & (seconds < _MISREAD)
    return bool(early.fill_null(value=True).all() and (seconds > 0).any())


def as_positions(times: pl.Series, users: pl.Series) -> pl.Series:
    """Each user's positions 0, 1, 2, ... in the order of their numbers.

    Args:
        times: numbers; equal ones keep the order of rows.
        users: whose each number is.

    Returns:
        Int64 positions, row by row.
    """
    place = pl.col("time").rank("ordinal").over("user").cast(pl.Int64) - 1
    return pl.DataFrame({"time": times, "user": users}).select(timestamp=place).to_series()


def as_written(seconds: pl.Series) -> pl.Series:
    """Seconds as times that nobody takes for other numbers."""
    return (seconds.cast(pl.Float64) * _MICROSECOND).round().cast(pl.Int64).cast(pl.Datetime("us"))


def _units(values: pl.Series) -> pl.Series:
    """[rows] the unit in which a number lies between 1990 and 2100; null for 0, which all units share, and below.

    No unit where all of them may be dates.
    """
    number = pl.col("time")
    unit = pl.lit(_NEITHER)
    counted = values.filter(values.is_finite() & (values > 0))
    for name, parts in UNITS.items() if not _may_be_dates(counted) else ():
        unit = pl.when(number.is_between(EARLIEST * parts, LATEST * parts)).then(pl.lit(name)).otherwise(unit)
    return pl.DataFrame({"time": values}).select(pl.when(number.is_finite() & (number > 0)).then(unit)).to_series()


def _may_be_dates(numbers: pl.Series) -> bool:
    """Whether all of these numbers, which are seconds else, read as dates of one form."""
    if not any(_reads_as(numbers, form) for form in _COMPACT):  # first, since it is soon said of most columns
        return False
    later = bool((numbers > time.time()).all())
    enough = (numbers // 100).n_unique() >= _MANY or (later and numbers.n_unique() >= _FEW)
    seconds = numbers.is_between(EARLIEST, LATEST) & (numbers == numbers.floor())
    return enough and bool(seconds.all())


def _reads_as(numbers: pl.Series, form: tuple[tuple[int, int], ...]) -> bool:
    return all((numbers // 100**place % 100).is_between(*bounds).all() for place, bounds in enumerate(form))


def _positions(values: pl.Series, users: pl.Series) -> bool:
    place = pl.col("time")
    fits = (place.min() == 0) & (place.max() == pl.len() - 1) & (place.n_unique() == pl.len())
    whole = (place == place.floor()).all()
    each = pl.DataFrame({"time": values, "user": users}).group_by("user").agg(fits=fits & whole)
    return bool(each["fits"].all())


def _require_clock(column: TimeColumn, microseconds: pl.Series, time_meaning: Said | None) -> None:
    """Raise DataError where times cannot be those of events; however small where they are said to be seconds."""
    _refuse(column, microseconds > LATEST * _MICROSECOND, "expected a time before the year 2100, found a later one")
    if time_meaning != SECONDS and all_early(microseconds / _MICROSECOND):
        _refuse(
            column,
            microseconds >= 0,
            f"all times lie in the first hour of 1970: numbers were made times in a wrong unit before; {column.ways}",
        )


def _seconds(values: pl.Series, unit: str) -> pl.Series:
    """Numbers of a unit in seconds; what is not finite becomes null."""
    parts = UNITS[unit]
    if parts == 1:
        return values
    if parts > _MICROSECOND:  # cut, not rounded, as polars cuts times
        return _in_seconds(values.cast(pl.Int64, strict=False) // (parts // _MICROSECOND))
    if values.dtype.is_integer():
        return _in_seconds(values * (_MICROSECOND // parts))
    return _in_seconds((values * (_MICROSECOND / parts)).round().cast(pl.Int64, strict=False))


def _in_seconds(microseconds: pl.Series) -> pl.Series:
    fraction = microseconds % _MICROSECOND
    seconds = microseconds // _MICROSECOND
    # not divided in one go: polars multiplies by the reciprocal, whose error shows at this size
    return seconds if bool((fraction == 0).fill_null(value=True).all()) else seconds + fraction / _MICROSECOND


def _question(column: TimeColumn) -> DataError:
    """The error for numbers that tell neither times in one unit nor positions."""
    units = _units(column.values)
    known = units.drop_nulls().filter(units.drop_nulls() != _NEITHER)
    if known.is_empty():
        return DataError(
            f"{_first(column, column.values >= 0)}: expected seconds since 1970 (milli-, micro- or nanoseconds too) or "
            f"each user's positions 0, 1, 2, ...; found numbers that are neither; {column.ways}"
        )
    usual = known.mode().sort()[0]
    other = (units != usual).fill_null(value=False)
    actual = units.filter(other)[0]
    if actual == _NEITHER:
        actual = f"a number that is none; {column.ways}"
    return DataError(f"{_first(column, other)}: expected {usual} as in other rows, found {actual}")


def _refuse(column: TimeColumn, wrong: pl.Series, problem: str) -> None:
    if wrong.any():
        raise DataError(f"{_first(column, wrong)}: {problem}")


def _first(column: TimeColumn, wrong: pl.Series) -> str:
    return column.row(wrong.fill_null(value=False).arg_max() or 0)
