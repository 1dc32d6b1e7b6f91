"""The nearest of many vectors by products of rounded numbers, which cost a fourth of exact ones where a CPU has them.

Vectors and cosines are rounded to eight bits (bfloat16, whose products CPUs with AVX-512 compute): a cosine is off by a
250th of itself at most, and an item's last neighbours may give way to others that are as near but for so much.
n vectors of D numbers; measured in docs/decisions/0060-preparation-of-large-platforms.md.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from shared.system.progress import track

GROUP = 16
"""Items of which only those of the best groups are looked at one by one."""
_PANEL = 96_000_000
"""Products of a panel, two bytes each."""


def nearest_rounded(
    features: NDArray[np.float32], k: int, *, group: int = GROUP
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest others of each vector.

    Args:
        features: [n, D] of length 1 or 0.
        k: neighbours of each, fewer than n.
        group: items of a group.

    Returns:
        [n, k] rows of the nearest others, nearest first, and their cosines, rounded.
    """
    vectors = torch.from_numpy(features)
    n = len(vectors)
    width = max(k, -(-n // group))
    rounded = torch.zeros(-(-n // width) * width, vectors.shape[1], dtype=_dtype())
    rounded[:n] = vectors
    items, cosines = torch.empty(n, k, dtype=torch.int64), torch.empty(n, k)
    step = max(1, _PANEL // len(rounded))
    for start in track(range(0, n, step), "finding neighbours"):
        rows = slice(start, min(start + step, n))
        items[rows], cosines[rows] = _best(rounded, n, rows, width, k)
    return items.numpy(), cosines.numpy()


def _dtype() -> torch.dtype:
    """The numbers that this CPU multiplies fastest."""
    return torch.bfloat16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else torch.float32


def _best(rounded: torch.Tensor, n: int, rows: slice, width: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """[rows, k] the nearest, nearest first, with their cosines.

    The k best items lie in the k groups whose best items are best.
    """
    products = rounded[rows] @ rounded.T
    own = torch.arange(len(products))
    products[own, own + rows.start] = -torch.inf
    products[:, n:] = -torch.inf
    groups = products.view(len(products), -1, width)  # a group is every width-th item
    best = groups.amax(dim=1).topk(k, dim=1, sorted=False).indices
    places = torch.arange(groups.shape[1])[:, None] * width + best[:, None, :]
    places = places.view(len(products), -1)
    cosines, order = products.gather(1, places).topk(k, dim=1)
    return places.gather(1, order), cosines.float()
