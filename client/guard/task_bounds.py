"""What a training task may ask for at the least and at the most, whatever the coordinator says.

A step over a handful of positions, or a round of one step, would tell of single users; a round without end would hold a
platform's machine.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.system.options import Checked, entries, option

_RANGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\.\.(\d{1,9}(?:\.\d{1,9})?)")


class Range(NamedTuple):
    """Numbers from one to another, both within."""

    least: float
    most: float

    def __str__(self) -> str:
        """What ``read_range`` reads."""
        return f"{self.least:.9g}..{self.most:.9g}"


def read_range(key: str, text: object) -> Range:
    """Read a range ``LEAST..MOST``.

    Args:
        key: of the setting, for the error.
        text: what stands there.

    Returns:
        both numbers.

    Raises:
        ConfigError: if the text is anything else.
    """
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) > float(match[2]):
        raise ConfigError(f"{key} must be LEAST..MOST, as in 256..65536; got {text!r}")
    return Range(float(match[1]), float(match[2]))


_READ: dict[str, Any] = {"read": read_range, "write": str, "metavar": "LEAST..MOST"}


@dataclass(frozen=True, kw_only=True)
class TaskBounds(Checked):
    """By what a task calls it; the rest of a task says nothing of users.

    Raises ConfigError where one is no range.
    """

    task_tokens: Range = option(Range(256, 65536), **_READ, help="Positions of histories a step.")
    task_steps: Range = option(Range(1, 10_000), **_READ, help="Most steps of a pass.")
    task_head_epochs: Range = option(Range(0, 100), **_READ, help="Passes that train the head.")
    task_encoder_epochs: Range = option(Range(0, 100), **_READ, help="Passes that train the encoder.")
    task_head_rate: Range = option(Range(0, 1), **_READ, help="Learning rate of the head.")
    task_encoder_rate: Range = option(Range(0, 0.1), **_READ, help="Learning rate of the encoder.")
    task_negatives: Range = option(Range(64, 65536), **_READ, help="Draws a step from a large catalogue.")
    task_proximal: Range = option(Range(0, 1000), **_READ, help="Pull to the received encoder.")
    task_dropout: Range = option(Range(0, 0.9), **_READ, help="Dropout in training.")
    task_id_dropout: Range = option(
        Range(0, 0.99), **_READ, help="Share of items that are seen by their content alone."
    )

    def broken_by(self, settings: LocalSettings) -> str:
        """The first thing that is asked beyond its range, in words; empty where all is within."""
        for entry in entries(TaskBounds):
            bounds, value = entry.of(self), getattr(settings, entry.path[0].removeprefix("task_"))
            if not bounds.least <= value <= bounds.most:
                return f"{entry.key} of {bounds}; the task asks for {value:g}"
        return ""
