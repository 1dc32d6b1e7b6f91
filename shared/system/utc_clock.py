"""The time that lines on the disk bear."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, with its offset."""
    return datetime.now(UTC)
