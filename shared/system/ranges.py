"""The check of numbers in settings: each lies in its range, or a ConfigError names its field."""

import math

from shared.errors import ConfigError


def require_range(
    settings: object,
    *names: str,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Every number of these fields is finite and in the range; a tuple has one number at least.

    Raises ConfigError that names the first field that is not so.
    """
    bounds = {"at least": least, "above": above, "at most": most, "below": below}
    words = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound))
    for name in names:
        value = getattr(settings, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if not numbers or not all(least <= one <= most and above < one < below for one in numbers):
            raise ConfigError(f"{type(settings).__name__}.{name} must be {words or 'finite'}; got {value}")
