"""How far a platform's events have been read: the largest watermark, and how many events lie below it.

The next reading begins at that watermark itself, since others may have come with the same one; and where the database
no longer has as many events below it, one was deleted or came late, and all are read anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.errors import DataError

_READ: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where the next reading begins."""

    value: Any
    """the largest watermark that was read"""
    below: int
    """events with a smaller one"""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        text = self.value.isoformat() if isinstance(self.value, date) else str(self.value)
        return {"kind": type(self.value).__name__, "value": text, "below": self.below}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Mark":
        """The inverse of ``to_json``; raises KeyError or ValueError for anything else."""
        return cls(value=_READ[found["kind"]](found["value"]), below=int(found["below"]))

    @staticmethod
    def after(mark: "Mark | None", values: Sequence[Any], read: int, where: str) -> "Mark | None":
        """The mark once further values came, in their order, ``read`` events after the first.

        Raises DataError for a value that tells no order.
        """
        for place, value in enumerate(values):
            if type(value).__name__ not in _READ:
                raise DataError(f"{where}: expected numbers, times or texts that only grow, found {_named(value)}")
            if mark is None or value != mark.value:
                mark = Mark(value=value, below=read + place)
        return mark


def _named(value: object) -> str:
    return "null" if value is None else type(value).__name__
