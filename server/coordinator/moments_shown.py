"""A moment as people are shown it."""

from datetime import UTC, datetime


def moment_words(moment: datetime) -> str:
    """To the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
