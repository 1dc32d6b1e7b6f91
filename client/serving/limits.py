"""How large the parts of a request may be."""

import math

from shared.errors import InvalidRequest

ID_LENGTH = 256
TEXT_LENGTH = 20_000
LIST_LENGTH = 1_000
SESSION_LENGTH = 200
EXCLUSIONS = 10_000
CATEGORIES = 100
REQUESTS_AT_ONCE = 100
REPORTS_AT_ONCE = 1_000
ITEMS_AT_ONCE = 500
MESSAGE_BYTES = 4 * 1024 * 1024
LATEST = 2.0**40
"""Seconds: no event is of a later time."""


def check_id(name: str, value: str) -> None:
    """Raises InvalidRequest unless it is 1 to ID_LENGTH characters."""
    if not 1 <= len(value) <= ID_LENGTH:
        raise InvalidRequest(f"{name} must have 1 to {ID_LENGTH} characters; got {len(value)}")


def check_count(name: str, count: int, most: int, least: int = 0) -> None:
    """Raises InvalidRequest unless it is within both."""
    if not least <= count <= most:
        raise InvalidRequest(f"{name} must be {least} to {most}; got {count}")


def check_time(value: float) -> None:
    """Raises InvalidRequest for what is no time."""
    if not (math.isfinite(value) and 0 <= value <= LATEST):
        raise InvalidRequest("time must be seconds since 1970")
