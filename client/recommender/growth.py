"""A served head whose catalogue has grown: new items are recommended at once through content and the encoder.

n items before, m after, D features. What was counted of users says nothing of a new item until the next fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.features.hashing import gram_weights
from client.features.item_features import PRECOMPUTED, item_features
from client.features.prepared_platform import NEIGHBOURS, Catalogue, nearest, nearest_after
from client.features.rows import sparse_rows
from client.recommender.served_catalogue import ServedCatalogue
from client.recommender.served_head import ServedHead
from client.scorers.scorer import Matrix
from shared.errors import InvalidRequest

SMALL_CATALOGUE = 2_000
"""Items up to which all neighbours are found again."""


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """An item as a platform hands it over while it serves."""

    item_id: str
    text: str
    category: str = ""
    vector: tuple[float, ...] = ()
    """where the platform's vectors are its own (feature space ``precomputed``)"""


def with_items(served: ServedHead, items: Sequence[NewItem]) -> ServedHead:
    """The head with these items added; one whose id is there already gets the new text, category and vector.

    Raises InvalidRequest where a vector is missing, not needed, or not of the catalogue's length.
    """
    latest = {item.item_id: item for item in items}
    if not latest:
        return served
    rows = {item: row for row, item in enumerate(served.items.item_ids)}
    for item in latest:
        rows.setdefault(item, len(rows))
    changed = np.array([rows[item] for item in latest], np.int64)
    grown = _catalogue(served, list(latest.values()), tuple(rows), changed)
    before, size = len(served.items.item_ids), len(rows)
    return replace(
        served,
        items=grown,
        statistics={name: _padded(matrix, size) for name, matrix in served.statistics.items()},
        parts=served.parts.on_rows(np.concatenate([np.arange(before), np.full(size - before, -1)])),
    )


def _catalogue(
    served: ServedHead, items: Sequence[NewItem], ids: tuple[str, ...], changed: NDArray[np.int64]
) -> ServedCatalogue:
    old = served.items
    source = np.arange(len(ids))
    source[changed] = len(old.item_ids) + np.arange(len(items))
    texts = [*old.texts, *(item.text for item in items)]
    features = np.concatenate([old.catalogue.features, _vectors(served, items)])[source]
    grams = sp.csr_array(sp.vstack([old.gram_weights, gram_weights([item.text for item in items])], format="csr"))
    if len(ids) <= SMALL_CATALOGUE or old.catalogue.neighbours.items.shape[1] < NEIGHBOURS:
        neighbours = nearest(features)
    else:
        neighbours = nearest_after(old.catalogue.neighbours, features, changed)
    return ServedCatalogue(
        item_ids=ids,
        texts=tuple(texts[row] for row in source),
        categories=_categories(old, items, source),
        catalogue=Catalogue(features=features, known=neighbours),
        gram_weights=grams[source],
    )


def _categories(old: ServedCatalogue, items: Sequence[NewItem], source: NDArray[np.int64]) -> tuple[str, ...] | None:
    if old.categories is None and not any(item.category for item in items):
        return None
    categories = [*(old.categories or ("",) * len(old.item_ids)), *(item.category for item in items)]
    return tuple(categories[row] for row in source)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Handed:
    """Items as a feature space reads them."""

    name: str
    texts: tuple[str, ...]
    vectors: NDArray[np.float32] | None


def _vectors(served: ServedHead, items: Sequence[NewItem]) -> NDArray[np.float32]:
    """[len(items), D]"""
    wanted = served.space.dim if served.space.name == PRECOMPUTED else 0
    for item in items:
        if len(item.vector) != wanted:
            raise InvalidRequest(f"an item's vector must have {wanted} numbers here; got {len(item.vector)}")
    given = np.array([item.vector for item in items], np.float32) if wanted else None
    if given is not None and not np.isfinite(given).all():
        raise InvalidRequest("an item's vector must hold finite numbers")
    handed = _Handed(name="new items", texts=tuple(item.text for item in items), vectors=given)
    return item_features(handed, served.features)[1]


def _padded(matrix: Matrix, size: int) -> Matrix:
    """[m] or [m, m] with 0 for new items."""
    if not isinstance(matrix, sp.csr_array):
        return np.pad(matrix, [(0, size - length) for length in matrix.shape])
    ends = np.full(size - matrix.shape[0], matrix.indptr[-1], matrix.indptr.dtype)
    return sparse_rows(matrix.data, matrix.indices, np.concatenate([matrix.indptr, ends]), (size, size))
