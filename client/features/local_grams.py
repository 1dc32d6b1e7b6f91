"""A catalogue's hashed grams under its own idf: for scorers that stay on the platform, never for the encoder."""

from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from client.features.hashing import gram_weights


@lru_cache(maxsize=16)
def local_grams(texts: tuple[str, ...]) -> sp.csr_array:
    """[n, G] rows of length 1 (0 where a text holds no word), G the grams in use; not to be changed.

    The grams of the space ``hashing``, unprojected, times ln((n + 1) / (df + 1)) + 1 (idf: Salton, Buckley 1988).
    """
    weights = gram_weights(texts)
    used, column = np.unique(weights.indices, return_inverse=True)
    frequency = np.bincount(column, minlength=len(used))
    idf = (np.log((len(texts) + 1) / (frequency + 1)) + 1).astype(np.float32)
    values = weights.data * idf[column]
    row = np.repeat(np.arange(len(texts)), np.diff(weights.indptr))
    norms = np.sqrt(np.bincount(row, values**2, minlength=len(texts))).astype(np.float32)
    return sp.csr_array((values / norms[row], column, weights.indptr), shape=(len(texts), len(used)))
