"""Byte form of messages and states: fixed fields, little-endian, every length bounded where it is read."""

import struct
from collections.abc import Iterable

from shared.errors import WireError


class Writer:
    """Collects fields in the order in which a ``Reader`` takes them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def number(self, form: str, value: float) -> "Writer":
        """Add one number.

        Args:
            form: of ``struct``: B, H, I, Q, h, or d.
            value: the number; it must fit the form.

        Returns:
            This writer.
        """
        self._parts.append(struct.pack("<" + form, value))
        return self

    def raw(self, content: bytes) -> "Writer":
        """Bytes whose length the reader knows."""
        self._parts.append(content)
        return self

    def sized(self, content: bytes) -> "Writer":
        """Bytes behind their length."""
        return self.number("I", len(content)).raw(content)

    def numbers(self, values: Iterable[int]) -> "Writer":
        """Party numbers behind their count."""
        listed = list(values)
        self.number("H", len(listed))
        self._parts.append(struct.pack(f"<{len(listed)}H", *listed))
        return self

    @property
    def content(self) -> bytes:
        """All fields so far."""
        return b"".join(self._parts)


class Reader:
    """Takes fields one after another; raises WireError, which names the message and the byte, where one is not there.

    Args:
        what: name of the message, for errors.
        content: all of its bytes.
    """

    def __init__(self, what: str, content: bytes) -> None:
        self._what, self._content, self._at = what, content, 0

    def wrong(self, expected: str, actual: object) -> WireError:
        """The error for a field that is not what it must be.

        Args:
            expected: what it must be, in words.
            actual: what was found: a number or a length, never content.

        Returns:
            The error, which names the message and the byte; it is not raised here.
        """
        return WireError(f"{self._what}, before byte {self._at}: expected {expected}; found {actual}")

    def raw(self, size: int) -> bytes:
        """Exactly so many bytes."""
        taken = self._content[self._at : self._at + size]
        if len(taken) != size:
            raise self.wrong(f"{size} bytes more", len(taken))
        self._at += size
        return taken

    def number(self, form: str, least: int = 0, most: int | None = None) -> int:
        """One whole number within bounds.

        Args:
            form: of ``struct``: B, H, I, Q, or h.
            least: the lowest value that is taken.
            most: the highest value that is taken; None: any.

        Returns:
            The number.

        Raises:
            WireError: if the bytes end before it, or it is out of bounds.
        """
        value = int(struct.unpack("<" + form, self.raw(struct.calcsize("<" + form)))[0])
        if value < least or (most is not None and value > most):
            raise self.wrong(f"{least} to {most}", value)
        return value

    def real(self) -> float:
        """One float64, which may be no finite number."""
        return float(struct.unpack("<d", self.raw(8))[0])

    def sized(self, most: int) -> bytes:
        """Bytes behind their length, ``most`` at most."""
        return self.raw(self.number("I", most=most))

    def numbers(self, below: int) -> tuple[int, ...]:
        """Party numbers that rise, each below ``below``."""
        numbers = struct.unpack(f"<{(count := self.number('H', most=below))}H", self.raw(2 * count))
        if list(numbers) != sorted(set(numbers)) or any(number >= below for number in numbers):
            raise self.wrong(f"rising numbers below {below}", f"{count} others")
        return numbers

    def end(self) -> None:
        """Raises WireError where bytes are left."""
        if self._at != len(self._content):
            raise self.wrong("the end", f"{len(self._content) - self._at} bytes more")
