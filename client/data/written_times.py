"""Times that are written as text: ISO 8601, with a zone or without one, which is UTC then."""

import polars as pl

_DATE = r"(?<year>\d{4})-?(?<month>\d{2})-?(?<day>\d{2})"
_CLOCK = r"(?<hour>\d{2})(?::?(?<minute>\d{2})(?::?(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?)?"
_ZONE = r"(?<zone>[Zz]|UTC|(?<sign>[+-])(?<hours>\d{2})(?::?(?<minutes>\d{2}))?)"
ISO = rf"^{_DATE}(?:[Tt ]{_CLOCK} ?{_ZONE}?)?$"
_TWO_WAYS = r"^\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})\b"
_MINUTE = 60_000_000
"""In microseconds."""


def from_iso(texts: pl.Series) -> pl.Series:
    """Datetimes in UTC, to the microsecond; null for what is no time in ISO 8601."""
    parts = texts.str.extract_groups(ISO).struct.unnest()
    padded = pl.col("fraction").fill_null("").str.pad_end(6, "0").str.head(6)
    clock = [pl.col(name).fill_null("00") for name in ("hour", "minute", "second")]
    text = pl.concat_str("year", "month", "day", *clock, padded)
    shift = pl.when(pl.col("sign") == "-").then(-1).otherwise(1) * (_number("hours") * 60 + _number("minutes"))
    local = text.str.to_datetime("%Y%m%d%H%M%S%6f", strict=False, time_unit="us")
    return parts.select((local.cast(pl.Int64) - shift * _MINUTE).cast(pl.Datetime("us"))).to_series()


def zoned(texts: pl.Series) -> pl.Series:
    """Whether each text of ISO 8601 says its zone."""
    return texts.str.extract_groups(ISO).struct.field("zone").is_not_null()


def has_two_readings(texts: pl.Series) -> pl.Series:
    """Whether each text is a date like 03/04/2021, of which nobody knows which number is the month."""
    return texts.str.contains(_TWO_WAYS)


def _number(name: str) -> pl.Expr:
    return pl.col(name).fill_null("0").cast(pl.Int64)
