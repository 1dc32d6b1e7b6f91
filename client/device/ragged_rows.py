"""Rows of unequal length, several arrays wide: the entries of matrices by row, and texts by their bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of, stretches


@dataclass(frozen=True, eq=False, kw_only=True)
class RaggedRows:
    """m rows of E entries in all."""

    offsets: NDArray[Any]
    """[m + 1] where each row begins and the last ends"""
    parts: Mapping[str, NDArray[Any]]
    """[E] of each entry, by name"""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """[m] entries of each row."""
        return np.asarray(np.diff(self.offsets.astype(np.int64)), np.int64)

    @classmethod
    def under(cls, name: str, arrays: Mapping[str, NDArray[Any]]) -> "RaggedRows":
        """Read them out of arrays.

        Args:
            name: what their names begin with, up to the last dot.
            arrays: by name.

        Returns:
            The rows.

        Raises:
            KeyError: if there are none of that name.
        """
        begin = f"{name}."
        parts = {key.removeprefix(begin): array for key, array in arrays.items() if key.startswith(begin)}
        return cls(offsets=parts.pop("offsets"), parts=parts)

    def named(self, name: str) -> dict[str, NDArray[Any]]:
        """The inverse of ``under``: the arrays by name; offsets in four bytes where they fit."""
        width = np.uint32 if self.offsets[-1] <= np.iinfo(np.uint32).max else np.uint64
        parts = {f"{name}.{key}": np.ascontiguousarray(part) for key, part in self.parts.items()}
        return {f"{name}.offsets": self.offsets.astype(width), **parts}

    def entries(self, rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """[E] which of the rows that are asked for each entry is of, and its place."""
        begins = self.offsets[rows].astype(np.int64)
        counts = self.offsets[np.asarray(rows) + 1].astype(np.int64) - begins
        return np.repeat(np.arange(len(begins)), counts), stretches(begins, counts)

    def taken(self, rows: NDArray[np.int64]) -> "RaggedRows":
        """Some of the rows, in their order; -1 stands for an empty one."""
        there = np.where(rows < 0, 0, rows)
        begins = self.offsets[there].astype(np.int64)
        counts = np.where(rows < 0, 0, self.offsets[there + 1].astype(np.int64) - begins)
        places = stretches(begins, counts)
        return RaggedRows(offsets=offsets_of(counts), parts={key: part[places] for key, part in self.parts.items()})

    def replaced(self, rows: NDArray[np.int64], others: "RaggedRows") -> "RaggedRows":
        """Some rows in the place of those that stand there.

        Args:
            rows: [c] each once.
            others: c rows with the same parts.

        Returns:
            m rows.
        """
        both = {key: np.concatenate([part, others.parts[key]]) for key, part in self.parts.items()}
        behind = others.offsets[1:].astype(np.int64) + int(self.offsets[-1])
        offsets = np.concatenate([self.offsets.astype(np.int64), behind])
        order = np.arange(len(self))
        order[rows] = len(self) + np.arange(len(rows))
        return RaggedRows(offsets=offsets, parts=both).taken(order)

    def unlike(self, others: "RaggedRows") -> NDArray[np.int64]:
        """The rows [c] that are not the same in as many others; both have the same parts."""
        counts, other_counts = self.counts, others.counts
        same = counts == other_counts
        if not same.any():
            return np.arange(len(self))
        alike = np.flatnonzero(same)
        mine, theirs = self.taken(alike), others.taken(alike)
        differs = np.zeros(len(mine.parts[next(iter(mine.parts))]), bool)
        for key, part in mine.parts.items():
            differs |= in_bits(part) != in_bits(theirs.parts[key])
        owners = np.repeat(alike, counts[alike])
        same[owners[differs]] = False
        return np.flatnonzero(~same)


def texts_in_rows(texts: list[str]) -> RaggedRows:
    """[n] texts as rows of bytes (UTF-8)."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.array([len(content) for content in encoded], np.int64)
    return RaggedRows(offsets=offsets_of(lengths), parts={"bytes": np.frombuffer(b"".join(encoded), np.uint8)})


def texts_of(rows: RaggedRows) -> list[str]:
    """The inverse of ``texts_in_rows``."""
    content, offsets = rows.parts["bytes"].tobytes(), rows.offsets.tolist()
    return [content[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(offsets)]


def in_bits(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers as whole ones: two are equal where every bit is, whatever they are."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
