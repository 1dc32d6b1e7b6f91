"""Numbers in eight bits each, with one scale for as many as stand together."""

import numpy as np
from numpy.typing import NDArray

_LEVELS = 127
_TINY = np.float32(1e-30)
_WIDEST = 255
"""what a gap is at most; a wider one is told by entries without a value in between"""


def eighths_of_columns(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """[K, N] whole numbers from -127 to 127, and [N] what each of a column's steps is worth."""
    steps = np.maximum(np.abs(matrix).max(0, initial=0) / np.float32(_LEVELS), _TINY).astype(np.float32)
    return np.rint(matrix / steps).astype(np.int8), steps


def signed_squares(
    values: NDArray[np.float32], owners: NDArray[np.int64], rows: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Values of which small ones are told as well as large ones: each is its row's scale times c · |c|.

    Args:
        values: [E].
        owners: [E] the row of each.
        rows: m.

    Returns:
        [E] whole numbers c from -127 to 127, and [m] the rows' scales.
    """
    most = np.zeros(rows, np.float32)
    np.maximum.at(most, owners, np.abs(values))
    roots = np.sqrt(np.abs(values) / np.maximum(most, _TINY)[owners])
    codes = (np.sign(values) * np.rint(_LEVELS * roots)).astype(np.int8)
    return codes, most / np.float32(_LEVELS**2)


def in_gaps(
    columns: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Columns of rows of entries as distances, each from the entry before it in its row; the first one's is from 0.

    Args:
        columns: [E] rising in each row.
        offsets: [m + 1] where each row's entries begin.

    Returns:
        [E'] distances, where those of 255 are of entries in between, [E] the place of each entry among these, and
        [m + 1] where each row begins among them.
    """
    distances = np.diff(columns, prepend=0)
    begins = offsets[:-1][np.diff(offsets) > 0]
    distances[begins] = columns[begins]
    ends = np.cumsum(distances // _WIDEST + 1)
    gaps = np.full(ends[-1] if len(ends) else 0, _WIDEST, np.uint8)
    gaps[ends - 1] = distances % _WIDEST
    return gaps, ends - 1, np.concatenate([[0], ends])[offsets]
