"""Texts and ids of a large record, decoded when they are asked for."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from client.features.row_matrices import Rows

_AT_ONCE = 50_000
"""texts that are decoded at once where all are"""
_DIGEST = 8
"""bytes of an id's hash"""


class Texts(Sequence[str]):
    """n texts by their rows."""

    @abstractmethod
    def text(self, row: int) -> str:
        """The text of a row from 0 to n − 1."""

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(map(self.text, range(len(self))[row]))
        return self.text(range(len(self))[row])


class StoredTexts(Texts):
    """n texts, one after the other in UTF-8."""

    def __init__(self, content: Rows, offsets: NDArray[np.int64]) -> None:
        """``content`` are the bytes, ``offsets`` [n + 1] where each text begins and the last ends."""
        self._content, self._offsets = content, offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def text(self, row: int) -> str:
        """See ``Texts``."""
        begin, end = self._offsets[row : row + 2].tolist()
        return bytes(self._content[begin:end]).decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _AT_ONCE):
            places = self._offsets[first : first + _AT_ONCE + 1]
            part = bytes(self._content[int(places[0]) : int(places[-1])])
            ends = (places - places[0]).tolist()
            for begin, end in pairwise(ends):
                yield part[begin:end].decode("utf-8", "surrogatepass")


class StoredIds(StoredTexts):
    """n ids, each once, whose rows are told by a sorted hash."""

    def __init__(
        self,
        texts: tuple[Rows, NDArray[np.int64]],
        index: tuple[NDArray[np.uint64], NDArray[np.int32]],
        *,
        whole_numbers: bool,
    ) -> None:
        """``texts`` as ``StoredTexts`` takes them; ``index`` as ``id_index`` gives it."""
        super().__init__(*texts)
        self.hashes, self._rows = index
        self.whole_numbers = whole_numbers

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Id to its row."""
        return _RowOf(self, self.hashes, self._rows)


class CodedTexts(Texts):
    """n texts of which few are distinct."""

    def __init__(self, codes: NDArray[np.int32], distinct: Sequence[str]) -> None:
        """``codes`` [n] say which of the ``distinct`` each is."""
        self._codes, self._distinct = codes, distinct

    def __len__(self) -> int:
        return len(self._codes)

    def text(self, row: int) -> str:
        """See ``Texts``."""
        return self._distinct[int(self._codes[row])]

    @cached_property
    def rows_of(self) -> Mapping[str, NDArray[np.int64]]:
        """Text to the rows that have it."""
        order = np.argsort(self._codes, kind="stable")
        ends = np.cumsum(np.bincount(self._codes, minlength=len(self._distinct)))
        return dict(zip(self._distinct, np.split(order, ends[:-1]), strict=True))


class GrownTexts(Texts):
    """N texts: those before, of which some are others now, and later ones behind them."""

    def __init__(self, before: Sequence[str], later: Mapping[int, str], size: int) -> None:
        """``later`` by row, all from ``len(before)`` to ``size`` among them."""
        self._before, self._later, self._size = before, later, size

    @classmethod
    def of(cls, before: Sequence[str], later: Mapping[int, str], size: int) -> "GrownTexts":
        """Beside those of an earlier growth.

        Args:
            before: n texts.
            later: the new ones and those in the place of earlier ones, by row.
            size: N.

        Returns:
            The texts.
        """
        if isinstance(before, GrownTexts):
            return cls(before._before, {**before._later, **later}, size)
        return cls(before, dict(later), size)

    def __len__(self) -> int:
        return self._size

    def text(self, row: int) -> str:
        """See ``Texts``."""
        return self._later[row] if row in self._later else self._before[row]

    def __iter__(self) -> Iterator[str]:
        for row, text in enumerate(self._before):
            yield self._later.get(row, text)
        for row in range(len(self._before), self._size):
            yield self._later[row]

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Text to its row, where each is there once."""
        new = {self._later[row]: row for row in range(len(self._before), self._size)}
        return _Beside(row_of_each(self._before), new)

    @cached_property
    def rows_of(self) -> Mapping[str, Any]:
        """Text to the rows that have it."""
        rows = dict(rows_of_texts(self._before))
        changed = np.array(sorted(self._later), np.int64)
        for text in {self._before[row] for row in self._later if row < len(self._before)}:
            rows[text] = np.setdiff1d(rows[text], changed)
        for text in set(self._later.values()):
            of_text = [row for row, later in self._later.items() if later == text]
            rows[text] = np.union1d(np.asarray(rows.get(text, []), np.int64), of_text)
        return rows


class _Beside(Mapping[str, int]):
    """A mapping with further keys, which it lacks."""

    def __init__(self, before: Mapping[str, int], new: Mapping[str, int]) -> None:
        self._before, self._new = before, new

    def __len__(self) -> int:
        return len(self._before) + len(self._new)

    def __iter__(self) -> Iterator[str]:
        yield from self._before
        yield from self._new

    def __getitem__(self, key: str) -> int:
        return self._new[key] if key in self._new else self._before[key]


class _RowOf(Mapping[str, int]):
    """See ``StoredIds.row_of``."""

    def __init__(self, ids: StoredTexts, hashes: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        self._ids, self._hashes, self._rows = ids, hashes, rows

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, key: str) -> int:
        if not isinstance(key, str):
            raise KeyError(key)
        wanted = _hash(key)
        place = int(np.searchsorted(self._hashes, wanted))
        while place < len(self._hashes) and self._hashes[place] == wanted:
            row = int(self._rows[place])
            if self._ids[row] == key:
                return row
            place += 1
        raise KeyError(key)


def id_index(ids: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """By which ``StoredIds`` finds the rows of ids.

    Args:
        ids: n of them.

    Returns:
        [n] their hashes, rising, and [n] the row of each.
    """
    hashes = np.array([_hash(each) for each in ids], np.uint64)
    order = np.argsort(hashes, kind="stable")
    return hashes[order], order.astype(np.int32)


def row_of_each(ids: Sequence[str]) -> Mapping[str, int]:
    """Id to its row; ``ids`` holds each once."""
    return ids.row_of if isinstance(ids, StoredIds | GrownTexts) else {each: row for row, each in enumerate(ids)}


def rows_of_texts(texts: Sequence[str]) -> Mapping[str, Any]:
    """Text to the rows [M] that have it; ``texts`` [n]."""
    if isinstance(texts, CodedTexts | GrownTexts):
        return texts.rows_of
    codes: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        codes.setdefault(text, []).append(row)
    return codes


def _hash(key: str) -> np.uint64:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()
    return np.uint64(int.from_bytes(digest, "little"))
