"""How times are written, as Python's strptime says it and as polars reads it."""

import re

import polars as pl

from shared.errors import ConfigError

_DIRECTIVES = re.compile(r"\.%f|%f|%z")
"""Those of Python's that polars takes for something else, or in fewer forms."""
_DIGITS = (6, 3, 9)
"""Of a fraction behind anything but a point, whose digits polars has to know."""


def polars_formats(written: str) -> tuple[str, ...]:
    """The formats that say the same to polars: one of them fits. Raises ConfigError for one that tells no time."""
    if "%Z" in written:
        raise ConfigError(f"--time-format: expected a zone as %z, or as it stands (such as UTC), got {written!r}")
    formats = tuple(dict.fromkeys(_as_polars(written, digits) for digits in _DIGITS))
    try:
        pl.Series(["-"]).str.to_datetime(formats[0], strict=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ConfigError(
            f"--time-format: expected hours with minutes, as %H:%M or as %I:%M %p; got {written!r}"
        ) from error
    return formats


def _as_polars(written: str, digits: int) -> str:
    theirs = {".%f": "%.f", "%f": f"%{digits}f", "%z": "%#z"}
    return _DIRECTIVES.sub(lambda match: theirs[match[0]], written)
