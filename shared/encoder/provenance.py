"""Where an encoder comes from, as its card says it: all of it may be unknown, and none of it is trusted.

Who reads a file shows these texts to a person, so a text is one short line without anything that steers a terminal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self

from shared.errors import ConfigError
from shared.system.options import Checked, option

AT_PRETRAINING = "pretraining"
"""Names the validation score of the source's own users at pretraining."""
DIGITS = 3
"""Decimals of a validation score in a card."""
_LONGEST = 200
"""Characters of a text."""
_MOST_SCORES = 16
_MOST_ROUNDS = 1_000_000


def check_line(key: str, text: object) -> None:
    """Check that a text is a line of at most 200 characters that a terminal can show.

    Args:
        key: what the text is, for the error.
        text: what was given.

    Raises:
        ConfigError: if it is no text, too long, or has characters that cannot be printed.
    """
    if not isinstance(text, str):
        raise ConfigError(f"{key} must be text; got a value of type {type(text).__name__}")
    if len(text) > _LONGEST:
        raise ConfigError(f"{key} must have at most {_LONGEST} characters; got {len(text):,}")
    if not text.isprintable():
        raise ConfigError(f"{key} must be one line without control characters; got {text!a}")


@dataclass(frozen=True, kw_only=True)
class Authorship(Checked):
    """What only a person can say of an encoder; raises ConfigError where a text cannot stand in a card."""

    made_by: str = option(
        "", check=check_line, metavar="NAME", help="Who pretrained the encoder, for its card. Without it: not said."
    )
    licence: str = option(
        "",
        check=check_line,
        metavar="TEXT",
        help="The licence under which the encoder may be used, for its card. Without it: not said.",
    )


@dataclass(frozen=True, kw_only=True)
class Provenance(Authorship):
    """And what the programs know; raises ConfigError where a value cannot be."""

    pretrained: str = ""
    """the day on which it was pretrained, UTC, ISO 8601; empty: not said"""
    rounds: int = 0
    """training rounds of all runs that improved it since"""
    validation: dict[str, float] = field(default_factory=dict)
    """NDCG@10 on validation events by what was judged: at pretraining, or by part of the encoder the mean over the
    platforms of the last run"""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_day(self.pretrained)
        if type(self.rounds) is not int or not 0 <= self.rounds <= _MOST_ROUNDS:
            raise ConfigError(f"rounds must be a whole number from 0 to {_MOST_ROUNDS}; got {_short(self.rounds)}")
        _check_scores(self.validation)

    def said(self) -> dict[str, Any]:
        """What is not empty, as JSON."""
        values = {item.name: getattr(self, item.name) for item in fields(Provenance)}
        return {name: value for name, value in values.items() if value}

    def provenance(self) -> "Provenance":
        """This part alone of what has more."""
        return Provenance(**{item.name: getattr(self, item.name) for item in fields(Provenance)})

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> Self:
        """The inverse of ``said``, from a card that holds other things too; raises ConfigError."""
        return cls(**{item.name: card[item.name] for item in fields(Provenance) if item.name in card})


def _check_day(text: object) -> None:
    check_line("pretrained", text)
    try:
        if text:
            date.fromisoformat(str(text))
    except ValueError:
        raise ConfigError(f"pretrained must be a day as 2026-03-01; got {_short(text)}") from None


def _check_scores(scores: object) -> None:
    if not isinstance(scores, dict) or len(scores) > _MOST_SCORES:
        raise ConfigError(f"validation must be at most {_MOST_SCORES} scores by name; got {_short(scores)}")
    for name, score in scores.items():
        check_line("the name of a validation score", name)
        if type(score) not in (int, float) or not (math.isfinite(score) and 0 <= score <= 1):
            raise ConfigError(f"a validation score must be a number from 0 to 1; got {_short(score)}")


def _short(value: object) -> str:
    """A value for a message, cut where it is long; what is no plain value by its type alone."""
    if isinstance(value, str | int | float):
        return ascii(value)[:60] if not isinstance(value, int) or abs(value) < 2**63 else "a number too large"
    return f"a value of type {type(value).__name__}"
