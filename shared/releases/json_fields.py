"""Reading a JSON object of a release field by field: what is missing, unknown or of another kind is refused."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.encoder.provenance import check_line
from shared.errors import ConfigError, ReleaseRefused

_DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_NUMBER = 2**53
"""a JSON number is exact up to this"""


class JsonFields:
    """One JSON object; each method gives a field or raises ReleaseRefused with ``code``."""

    def __init__(self, values: object, names: Iterable[str], where: str, code: str) -> None:
        """Check which fields there are.

        Args:
            values: the object.
            names: all of its fields.
            where: begins every message.
            code: of the errors.
        """
        self._where, self._code = where, code
        expected = sorted(names)
        if not isinstance(values, dict):
            raise self.refused("expected a JSON object")
        if sorted(values) != expected:
            odd = sorted(set(values) ^ set(expected))
            raise self.refused(f"expected the fields {', '.join(expected)}; found another set, as of {odd[0]!a:.60}")
        self._values: Mapping[str, Any] = values

    def refused(self, reason: str) -> ReleaseRefused:
        """The error with a reason."""
        return ReleaseRefused(f"{self._where}: {reason}", code=self._code)

    def any(self, name: str) -> Any:
        """A field as it is."""
        return self._values[name]

    def items(self, name: str) -> list[Any]:
        """A list."""
        value = self._values[name]
        if not isinstance(value, list):
            raise self._expected(name, "a list")
        return value

    def text(self, name: str) -> str:
        """One line that a terminal can show, of at most 200 characters."""
        value = self._values[name]
        try:
            check_line(name, value)
        except ConfigError as error:
            raise self.refused(str(error)) from None
        return str(value)

    def digest(self, name: str) -> str:
        """SHA-256, as 64 hexadecimal digits."""
        value = self._values[name]
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            raise self._expected(name, "64 hexadecimal digits")
        return value

    def whole(self, name: str, least: int = 0) -> int:
        """A whole number.

        Args:
            name: of the field.
            least: the smallest that it may be.

        Returns:
            The number.

        Raises:
            ReleaseRefused: if the field holds anything else.
        """
        value = self._values[name]
        if type(value) is not int or not least <= value <= MOST_NUMBER:
            raise self._expected(name, f"a whole number from {least}")
        return value

    def whole_or_none(self, name: str, least: int = 0) -> int | None:
        """A whole number, or null.

        Args:
            name: of the field.
            least: the smallest that it may be.

        Returns:
            The number; None for null.

        Raises:
            ReleaseRefused: if the field holds anything else.
        """
        return None if self._values[name] is None else self.whole(name, least)

    def number_or_none(self, name: str) -> float | None:
        """A finite number from 0, or null."""
        value = self._values[name]
        if value is None:
            return None
        if type(value) not in (int, float) or not (math.isfinite(value) and value >= 0):
            raise self._expected(name, "a number from 0, or null")
        return float(value)

    def moment(self, name: str) -> datetime:
        """A moment with an offset, ISO 8601."""
        value = self._values[name]
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._expected(name, "a moment as 2026-03-01T00:00:00+00:00") from None
        if moment.tzinfo is None:
            raise self._expected(name, "a moment with its offset")
        return moment

    def _expected(self, name: str, expected: str) -> ReleaseRefused:
        return self.refused(f"{name} must be {expected}; found {self._values[name]!a:.60}")


def parsed_json(content: bytes, where: str, code: str) -> Any:
    """JSON in UTF-8, in which no object names a field twice.

    Args:
        content: the text.
        where: begins the message.
        code: of the error.

    Returns:
        The value.

    Raises:
        ReleaseRefused: if it is none.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a field twice")
        return dict(pairs)

    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ReleaseRefused(f"{where}: expected JSON; found something else", code=code) from None


def _no_number(text: str) -> float:
    raise ValueError(text)


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """The same content is the same bytes."""
    return (json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("utf-8")
