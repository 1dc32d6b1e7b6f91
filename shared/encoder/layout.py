"""The layout: names, shapes, dtype and order of the arrays that travel as one flat array."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import EncoderFileError

DTYPES = ("float32", "float64", "int8")


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """One array of a layout."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Arrays in a fixed order, with unique names and one dtype, so that one flat array holds them."""

    arrays: tuple[ArraySpec, ...]

    def __post_init__(self) -> None:
        names = [array.name for array in self.arrays]
        if not names or len(set(names)) != len(names):
            raise EncoderFileError(f"a layout needs at least one array and unique names; got {names}")
        dtypes = {array.dtype for array in self.arrays}
        if len(dtypes) != 1 or not dtypes <= set(DTYPES):
            raise EncoderFileError(f"a layout needs one dtype out of {DTYPES}; got {sorted(dtypes)}")
        if any(side < 1 for array in self.arrays for side in array.shape):
            raise EncoderFileError("a layout needs positive shapes")

    @property
    def size(self) -> int:
        """P, the length of the flat array."""
        return sum(array.size for array in self.arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the flat array."""
        return np.dtype(self.arrays[0].dtype)

    @property
    def lies(self) -> tuple[np.dtype[Any], int]:
        """Dtype and length of the flat array."""
        return self.dtype, self.size

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each array lies in the flat array, by name."""
        ends = np.cumsum([array.size for array in self.arrays]).tolist()
        return {array.name: slice(end - array.size, end) for array, end in zip(self.arrays, ends, strict=True)}

    @cached_property
    def hash(self) -> str:
        """Hex digest of names, shapes, dtypes and order."""
        return hashlib.sha256(self.to_json().encode("utf-8")).hexdigest()

    def to_json(self) -> str:
        """``[[name, shape, dtype], ...]`` without spaces."""
        rows = [[array.name, list(array.shape), array.dtype] for array in self.arrays]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        """The inverse of ``to_json``; raises EncoderFileError for anything else."""
        try:
            rows = json.loads(text)
            arrays = tuple(_array_from_row(row) for row in rows)
        except (ValueError, TypeError, RecursionError) as error:
            raise EncoderFileError("a layout must be a JSON list of [name, shape, dtype]") from error
        return cls(arrays)


def _array_from_row(row: Any) -> ArraySpec:
    name, shape, dtype = row
    if not isinstance(name, str) or not isinstance(dtype, str) or not isinstance(shape, list):
        raise TypeError("not [name, shape, dtype]")
    if not all(type(side) is int for side in shape):
        raise TypeError("a shape is a list of integers")
    return ArraySpec(name=name, shape=tuple(shape), dtype=dtype)


def flatten(layout: Layout, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The arrays as one flat array [P] in the layout's order; raises ValueError where they do not fit."""
    if set(arrays) != {array.name for array in layout.arrays}:
        raise ValueError(f"expected the arrays {[a.name for a in layout.arrays]}; got {sorted(arrays)}")
    flat = np.empty(layout.size, dtype=layout.dtype)
    for array in layout.arrays:
        value = arrays[array.name]
        if value.shape != array.shape:
            raise ValueError(f"{array.name} must have the shape {array.shape}; got {value.shape}")
        flat[layout.places[array.name]] = value.reshape(-1)
    return flat


def unflatten(layout: Layout, flat: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Views into the flat array [P], by name; raises ValueError where length or dtype differ."""
    if flat.shape != (layout.size,) or flat.dtype != layout.dtype:
        raise ValueError(f"expected a flat array {layout.dtype} [{layout.size}]; got {flat.dtype} {list(flat.shape)}")
    return {array.name: flat[layout.places[array.name]].reshape(array.shape) for array in layout.arrays}
