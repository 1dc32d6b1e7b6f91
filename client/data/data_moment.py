"""As of when a platform's data are wanted."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DataMoment:
    """As of which task a platform's data are wanted, where they may grow."""

    task: str
    """its name; what was read for a task serves it again. Empty: whatever was read last serves"""
