"""One digest over named arrays and the facts beside them, by which a file tells that it is whole."""

import hashlib
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def array_digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    """SHA-256 in hexadecimal digits; names, dtypes, shapes and every byte count, the order of the names does not."""
    found = hashlib.sha256(facts.encode("utf-8"))
    for name, value in sorted(arrays.items()):
        found.update(f"\0{name}\0{value.dtype.str}\0{value.shape}\0".encode())
        found.update(value.tobytes())
    return found.hexdigest()
