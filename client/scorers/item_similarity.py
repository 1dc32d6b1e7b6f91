"""Item-to-item cosine of user-normalised co-occurrence with shrinkage."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Matrix = sp.csr_array | NDArray[np.float32]

_DENSE_SHARE = 0.15
"""Of pairs that occur, above which a dense matrix takes less memory and time."""


def item_similarity(user_items: sp.csr_array, shrink: float) -> Matrix:
    """[n, n] C_ij / (√(C_ii C_jj) + shrink) with C = ÂᵀÂ, rows of Â = ``user_items`` scaled to length 1; 0 on i = j.

    Dense where most pairs occur, else sparse.
    """
    lengths = np.maximum(np.diff(user_items.indptr), 1)
    scaled = sp.csr_array(user_items * (1 / np.sqrt(lengths, dtype=np.float32))[:, None])
    cooccurrence = sp.coo_array(scaled.T @ scaled)
    norms = np.sqrt(cooccurrence.diagonal())
    row, column = cooccurrence.row, cooccurrence.col
    values = (cooccurrence.data / (norms[row] * norms[column] + shrink)).astype(np.float32)
    values[row == column] = 0
    similarity = sp.csr_array((values, (row, column)), shape=cooccurrence.shape)
    n = similarity.shape[0]
    return similarity.toarray() if similarity.nnz > _DENSE_SHARE * n * n else similarity
