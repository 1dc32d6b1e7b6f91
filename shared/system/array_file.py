"""The array file: named arrays and texts about them, in safetensors, the same bytes for the same content.

safetensors writes several metadata keys in random order, so all texts stand under one key, as JSON with sorted names.
Files of before, whose texts each had a key of their own, are read as well. A file tells by one digest over arrays and
texts that it is whole.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

KEY = "graft"
"""The metadata key that holds all texts."""
_LENGTH = 8
"""Bytes before a safetensors header that say how long it is."""


class NotAnArrayFile(ValueError):
    """The bytes are no whole safetensors file, or its texts cannot be read."""


def array_file(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> bytes:
    """The content of an array file.

    Args:
        arrays: by name, of any shapes and dtypes of safetensors.
        texts: about the arrays, by name.

    Returns:
        The bytes of the file.
    """
    ordered = {name: np.asarray(value, order="C") for name, value in sorted(arrays.items())}
    content: bytes = save(ordered, metadata={KEY: json.dumps(dict(texts), sort_keys=True)})
    return content


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


def parse_array_file(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The same of a file's content; raises NotAnArrayFile."""
    try:
        arrays = load(content)
        length = int.from_bytes(content[:_LENGTH], "little")
        metadata = json.loads(content[_LENGTH : _LENGTH + length]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnArrayFile("not a whole safetensors file") from error
    return arrays, _texts(metadata)


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
