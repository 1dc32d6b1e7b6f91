"""The array file: named arrays and texts about them, in safetensors, the same bytes for the same content.

safetensors writes several metadata keys in random order, so all texts stand under one key, as JSON with sorted names.
Files of before, whose texts each had a key of their own, are read as well. A file tells by one digest over arrays and
texts that it is whole.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

KEY = "graft"
"""The metadata key that holds all texts."""
_LENGTH = 8
"""Bytes before a safetensors header that say how long it is."""
_LONGEST = 100_000_000
"""Bytes of a header at most, as safetensors has it."""
_NAMES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "I32": "<i4",
    "U32": "<u4",
    "F32": "<f4",
    "F64": "<f8",
    "I64": "<i8",
    "U64": "<u8",
}
"""dtypes by their names in safetensors, which writes arrays of later ones first"""
_DTYPES = {dtype: name for name, dtype in _NAMES.items()}


class NotAnArrayFile(ValueError):
    """The bytes are no whole safetensors file, or its texts cannot be read."""


class Stored(Protocol):
    """An array that is written without lying in memory at once."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its numbers."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are."""
        ...

    def parts(self) -> Iterator[bytes]:
        """Its bytes in order, part by part."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayParts:
    """An array file that is not in memory at once."""

    header: bytes
    arrays: tuple[NDArray[Any] | Stored, ...]
    """in the order in which they stand"""

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return len(self.header) + sum(_bytes_of(array) for array in self.arrays)

    def __iter__(self) -> Iterator[bytes | memoryview]:
        yield self.header
        for array in self.arrays:
            if not isinstance(array, np.ndarray):
                yield from array.parts()
            elif array.size:
                yield np.ascontiguousarray(array).data.cast("B")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an array stands in a file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    """its first byte in the file"""


def array_parts(arrays: Mapping[str, NDArray[Any] | Stored], texts: Mapping[str, str]) -> ArrayParts:
    """An array file, part by part.

    Args:
        arrays: by name, of any shapes and dtypes of safetensors.
        texts: about the arrays, by name.

    Returns:
        The parts: together the very bytes that safetensors writes.

    Raises:
        ValueError: if an array is of a dtype that safetensors lacks.
    """
    unknown = [array.dtype for array in arrays.values() if array.dtype.str not in _DTYPES]
    if unknown:
        raise ValueError(f"safetensors holds no array of {unknown[0]}")
    order = {dtype: place for place, dtype in enumerate(_DTYPES)}
    ordered = sorted(arrays.items(), key=lambda named: (-order[named[1].dtype.str], named[0]))
    facts: dict[str, Any] = {"__metadata__": {KEY: json.dumps(dict(texts), sort_keys=True)}}
    place = 0
    for name, array in ordered:
        end = place + _bytes_of(array)
        facts[name] = {"dtype": _DTYPES[array.dtype.str], "shape": list(array.shape), "data_offsets": [place, end]}
        place = end
    header = json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    header += b" " * (-len(header) % _LENGTH)
    return ArrayParts(len(header).to_bytes(_LENGTH, "little") + header, tuple(array for _, array in ordered))


def header_length(content: bytes) -> int:
    """Bytes of a file up to its first array.

    Args:
        content: its first 8 bytes at least.

    Returns:
        How many there are.

    Raises:
        NotAnArrayFile: if the file begins otherwise.
    """
    length = int.from_bytes(content[:_LENGTH], "little")
    if len(content) < _LENGTH or length > _LONGEST:
        raise NotAnArrayFile("not a whole safetensors file")
    return _LENGTH + length


def parse_places(header: bytes, size: int) -> tuple[dict[str, Place], dict[str, str]]:
    """Where the arrays of a file stand.

    Args:
        header: the file up to its first array.
        size: of the whole file, in bytes.

    Returns:
        Places by name, in the order of the names, and texts by name.

    Raises:
        NotAnArrayFile: if the file is not whole.
    """
    try:
        facts = json.loads(header[_LENGTH:])
        texts = _texts(facts.pop("__metadata__", {}))
        places, ends = {}, [len(header)]
        for name, about in sorted(facts.items(), key=lambda named: (*named[1]["data_offsets"], named[0])):
            dtype, shape = np.dtype(_NAMES[about["dtype"]]), tuple(about["shape"])
            begin, end = (len(header) + offset for offset in about["data_offsets"])
            if not all(type(number) is int and number >= 0 for number in (begin, *shape)) or (
                (begin, end) != (ends[-1], begin + dtype.itemsize * prod(shape))
            ):
                raise NotAnArrayFile("not a whole safetensors file")
            places[name] = Place(dtype=dtype, shape=shape, start=begin)
            ends.append(end)
    except NotAnArrayFile:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAnArrayFile("not a whole safetensors file") from error
    if ends[-1] != size:
        raise NotAnArrayFile("not a whole safetensors file")
    return dict(sorted(places.items())), texts


def array_file(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> bytes:
    """The content of an array file.

    Args:
        arrays: by name, of any shapes and dtypes of safetensors.
        texts: about the arrays, by name.

    Returns:
        The bytes of the file.
    """
    return b"".join(array_parts({name: np.asarray(array) for name, array in arrays.items()}, texts))


def read_array_file(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays by name, in the order of their names, and texts.

    Args:
        path: the file.

    Returns:
        Arrays, and texts, by name.

    Raises:
        NotAnArrayFile: if it is not whole.
        OSError: if it cannot be read.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise NotAnArrayFile("not a whole safetensors file") from error
    return arrays, _texts(metadata)


def read_header(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """What the file says of itself; its numbers are not read.

    Args:
        path: the file.

    Returns:
        Shapes by name of array, and texts by name.

    Raises:
        NotAnArrayFile: if it is not whole.
        OSError: if it cannot be read.
    """
    try:
        with safe_open(path, framework="np") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
            metadata = dict(file.metadata() or {})
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise NotAnArrayFile("not a whole safetensors file") from error
    return shapes, _texts(metadata)


def _texts(metadata: Mapping[str, str]) -> dict[str, str]:
    if KEY not in metadata:
        return dict(metadata)
    try:
        texts = json.loads(metadata[KEY])
    except (ValueError, RecursionError) as error:
        raise NotAnArrayFile("its metadata is no JSON") from error
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise NotAnArrayFile("its metadata is no JSON object of texts")
    return texts


def array_digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    """SHA-256 of arrays and a text about them.

    Args:
        arrays: by name; names, dtypes, shapes and every byte count, the order of the names does not.
        facts: the text, which counts too; empty for none.

    Returns:
        64 hexadecimal digits.
    """
    checksum = hashlib.sha256(facts.encode("utf-8"))
    for name, value in sorted(arrays.items()):
        checksum.update(f"\0{name}\0{value.dtype.str}\0{value.shape}\0".encode())
        checksum.update(value.tobytes())
    return checksum.hexdigest()


def _bytes_of(array: NDArray[Any] | Stored) -> int:
    return array.dtype.itemsize * prod(array.shape)
