"""Arrays to Flower's array records and back; reading is strict, and no parser sees what a stranger wrote."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray

from shared.errors import WireError

_NUMPY = "numpy.ndarray"


def array_record(**arrays: NDArray[Any]) -> ArrayRecord:
    """A record of these arrays."""
    return ArrayRecord({name: Array(np.ascontiguousarray(value)) for name, value in arrays.items()})


def arrays_of(record: Any, name: str, expected: Mapping[str, tuple[np.dtype[Any], int]]) -> dict[str, NDArray[Any]]:
    """The record's arrays, each [size] of its dtype and finite; raises WireError, in which ``name`` is the record's."""
    if not isinstance(record, ArrayRecord) or set(record) != set(expected):
        wanted = " and ".join(repr(key) for key in expected)
        raise WireError(f"record {name!r} must hold the array {wanted} alone; found {short_names(record)}")
    return {key: _array(record[key], name, dtype, size) for key, (dtype, size) in expected.items()}


def short_names(found: Any) -> list[str]:
    """What may be repeated of names that came from outside."""
    return [str(name)[:40] for name in sorted(found)[:8]]


def _array(array: Array, name: str, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
    if (array.dtype, tuple(array.shape)) != (str(dtype), (size,)):
        found = f"{array.dtype[:20]} {list(array.shape)[:4]}"
        raise WireError(f"record {name!r} must be {dtype} [{size}]; found {found}")
    header = _npy_header(dtype, size)
    if array.stype != _NUMPY or not array.data.startswith(header):
        raise WireError(f"record {name!r} does not hold the array that it announces")
    if len(array.data) != len(header) + size * dtype.itemsize:
        raise WireError(f"record {name!r} is not as long as its shape says")
    flat = np.frombuffer(array.data, dtype, offset=len(header)).copy()
    if not np.isfinite(flat).all():
        raise WireError(f"record {name!r} holds numbers that are not finite")
    return flat


def _npy_header(dtype: np.dtype[Any], size: int) -> bytes:
    """The only beginning that is taken (numpy's own reader opens zip files too)."""
    stream = BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()
