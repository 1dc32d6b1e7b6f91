"""A catalogue's hashed grams under its own idf: for scorers that stay on the platform, never for the encoder."""

from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from client.data.sparse_rows import sparse_rows
from client.features.hashing import BUCKETS, gram_weights


@lru_cache(maxsize=16)
def local_grams(texts: tuple[str, ...]) -> sp.csr_array:
    """[n, G] rows of length 1 (0 where a text holds no word), G the grams in use; not to be changed.

    The grams of the space ``hashing``, unprojected, times ln((n + 1) / (df + 1)) + 1 (idf: Salton, Buckley 1988).
    """
    return under_idf(gram_weights(texts))


def under_idf(weights: sp.csr_array) -> sp.csr_array:
    """The same from the catalogue's weights of grams [n, BUCKETS], as ``gram_weights`` gives them."""
    n = weights.shape[0]
    frequency = np.bincount(weights.indices, minlength=BUCKETS)
    used = np.flatnonzero(frequency)
    column = (np.cumsum(frequency > 0) - 1)[weights.indices]
    idf = (np.log((n + 1) / (frequency[used] + 1)) + 1).astype(np.float32)
    values = weights.data * idf[column]
    row = np.repeat(np.arange(n), np.diff(weights.indptr))
    norms = np.sqrt(np.bincount(row, values**2, minlength=n)).astype(np.float32)
    return sparse_rows(values / norms[row], column, weights.indptr, (n, len(used)))
