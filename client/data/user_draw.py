"""Training and weighting users drawn by their ids: whoever joins later moves nobody from the one to the other.

An encoder that has seen a platform's weighting users would be believed too much.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WEIGHTING_SHARE = 0.2
_BITS = 64


def draw_by_id(ids: Sequence[str], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training users, ``count`` of them or all, and the weighting users among them, as sorted rows."""
    training = np.sort(np.argsort(_draws(ids, seed, "training-users"), kind="stable")[:count])
    weighting = _draws([ids[row] for row in training], seed, "weighting-users") < WEIGHTING_SHARE
    return training.astype(np.int64), training[weighting].astype(np.int64)


def _draws(ids: Sequence[str], seed: int, purpose: str) -> NDArray[np.float64]:
    """[len(ids)] in 0..1, each from its id, the seed and the purpose alone."""
    begun = hashlib.sha256(f"{seed}\0{purpose}\0".encode())
    return np.array([_draw(begun.copy(), one) for one in ids], np.float64)


def _draw(begun: "hashlib._Hash", name: str) -> float:
    begun.update(name.encode("utf-8", "surrogatepass"))
    return float(int.from_bytes(begun.digest()[: _BITS // 8], "big") / 2**_BITS)
