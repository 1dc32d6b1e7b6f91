"""A large head, read from a record, to whose catalogue items are added: what was there is neither copied nor read anew.

n items before, N now, c that are added or changed, D features, K neighbours of an item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.listed import AddedItems
from client.features.grown_rows import GrownMatrix, GrownRows
from client.features.hashing import gram_weights
from client.features.item_features import item_features
from client.features.prepared_platform import Catalogue, Neighbours
from client.features.row_matrices import Rows, StoredMatrix
from client.recommender.searched_columns import Search
from client.recommender.served_catalogue import ServedCatalogue, StoredNeighbours
from client.recommender.served_head import ServedHead
from client.recommender.served_parts import ServedParts
from client.recommender.stored_texts import GrownTexts
from client.scorers.cooccurrence import Matrix
from client.scorers.scorer import TABLE

_AT_ONCE = 20_000
"""rows that are looked at together"""


def grown_head(served: ServedHead, added: AddedItems, rows: NDArray[np.int64], size: int) -> ServedHead:
    """The head over the larger catalogue, all but when items were published.

    The linear parts of encoders stay solved for the catalogue as it was, and grams under its idf, until the next fit.

    Args:
        served: the head, read from a record by row.
        added: c items, each of another id.
        rows: [c] where they stand.
        size: N.

    Returns:
        The head.
    """
    items = _grown_catalogue(served, added, rows, size)
    parts = served.parts.grown(_rows_of(items.catalogue.features), rows)
    return replace(
        served,
        items=items,
        parts=parts,
        statistics={
            name: matrix if name.startswith(TABLE) else _padded(matrix, size)
            for name, matrix in served.statistics.items()
        },
        searches=_grown_searches(served.searches, items, parts, rows),
    )


def _rows_of(array: Any) -> Rows:
    """What stands in the place of an array of a large record."""
    return cast("Rows", array)


def _padded(matrix: Matrix, size: int) -> Matrix:
    """[N] or [N, N] with nothing of new items."""
    if isinstance(matrix, StoredMatrix):
        ends = np.full(size - matrix.shape[0], matrix.starts[-1], matrix.starts.dtype)
        return cast("Matrix", replace(matrix, starts=np.concatenate([matrix.starts, ends]), shape=(size, size)))
    return np.pad(np.asarray(matrix), [(0, size - length) for length in matrix.shape])


def _grown_catalogue(served: ServedHead, added: AddedItems, rows: NDArray[np.int64], size: int) -> ServedCatalogue:
    before = served.items
    vectors = item_features(added, served.features)[1]
    features = GrownRows(_rows_of(before.catalogue.features), rows, vectors, size)
    bare = gram_weights(added.texts)
    weighed = bare.copy()
    weighed.data = before.under_its_idf(bare)
    shape = (size, before.gram_weights.shape[1])
    return ServedCatalogue(
        item_ids=GrownTexts.of(before.item_ids, dict(zip(rows.tolist(), added.item_ids, strict=True)), size),
        texts=GrownTexts.of(before.texts, dict(zip(rows.tolist(), added.texts, strict=True)), size),
        categories=_categories(before.categories, added.categories, rows, size),
        catalogue=Catalogue(
            features=cast("NDArray[np.float32]", features),
            known=nearest_beneath(before.catalogue.neighbours, features, rows),
        ),
        gram_weights=cast("sp.csr_array", GrownMatrix(cast("StoredMatrix", before.gram_weights), rows, bare, shape)),
        grams=cast("sp.csr_array", GrownMatrix(cast("StoredMatrix", before.grams), rows, weighed, shape)),
        idf=before.idf,
        rounded=GrownRows(_rows_of(before.looked_up), rows, vectors, size),
    )


def _categories(
    before: Sequence[str] | None, added: Sequence[str] | None, rows: NDArray[np.int64], size: int
) -> Sequence[str] | None:
    """An item that is told none keeps the one it has."""
    told = {row: text for row, text in zip(rows.tolist(), added or (), strict=False) if text}
    if before is None and not told:
        return None
    known = GrownTexts.of((), {}, 0) if before is None else before
    new = {row: told.get(row, "") for row in range(len(known), size)}
    return GrownTexts.of(known, {**new, **told}, size)


def _grown_searches(
    searches: Mapping[str, Search], items: ServedCatalogue, parts: ServedParts, rows: NDArray[np.int64]
) -> dict[str, Search]:
    features, size = _rows_of(items.catalogue.features), len(items.item_ids)
    tables = parts.tables
    grown = {}
    for name, search in searches.items():
        if search.basis is None:  # a sequence part's, whose columns bear its part's name
            table = tables[name.partition(":")[0]]
            grown[name] = search.grown(rows, np.asarray(table[rows]), size)
        else:
            grown[name] = search.grown(rows, features[rows], size)
    return grown


def nearest_beneath(neighbours: Neighbours, features: GrownRows, rows: NDArray[np.int64]) -> StoredNeighbours:
    """The nearest items once some vectors are new or others than before: what is nearer than the K-th joins its item.

    As ``nearest_after``, of which rows are others is found in one pass over the catalogue.

    Args:
        neighbours: the K nearest before, of n items.
        features: [N, D] vectors now.
        rows: [c] that are new or hold another item's vector than before.

    Returns:
        The K nearest of each of the N items.
    """
    items, cosines = _rows_of(neighbours.items), _rows_of(neighbours.cosines)
    n, width, size = len(items), items.shape[1], len(features)
    vectors = features[rows]
    is_changed = np.zeros(size, bool)
    is_changed[rows] = True
    old = bool((rows < n).any())
    changed: list[tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float32]]] = []
    best_items, best = np.zeros((len(rows), 0), np.int64), np.zeros((len(rows), 0), np.float32)
    for begin in range(0, size, _AT_ONCE):
        block = np.arange(begin, min(begin + _AT_ONCE, size))
        cosine = features.read(begin, begin + len(block)) @ vectors.T
        cosine[block[:, None] == rows] = -np.inf
        best_items, best = _nearest(
            np.concatenate([best_items, np.broadcast_to(block, (len(rows), len(block)))], axis=1),
            np.concatenate([best, cosine.T], axis=1),
            width,
        )
        known = block[(block < n) & ~is_changed[block]]
        if not len(known):
            continue
        at, ends = known - begin, cosines.read(int(known[0]), int(known[-1]) + 1)[known - known[0]]
        joins = cosine[at].max(1) > ends[:, -1]
        if old:
            listed = items.read(int(known[0]), int(known[-1]) + 1)[known - known[0]]
            joins |= is_changed[listed].any(1)
        touched = known[joins]
        if len(touched):
            listed, nearness = np.asarray(items[touched], np.int64), ends[joins].copy()
            nearness[is_changed[listed]] = -np.inf
            both = np.concatenate([listed, np.broadcast_to(rows, (len(touched), len(rows)))], axis=1)
            near = np.concatenate([nearness, cosine[touched - begin]], axis=1)
            changed.append((touched, *_nearest(both, near, width)))
    changed.append((rows, best_items, best))
    others, lists, values = (np.concatenate(parts) for parts in zip(*changed, strict=True))
    return StoredNeighbours.over(
        GrownRows(items, others, lists.astype(np.int32), size), GrownRows(cosines, others, values, size)
    )


def _nearest(
    items: NDArray[Any], cosines: NDArray[np.float32], width: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ``width`` of each row [m, L] whose cosines are largest, the nearest first."""
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(items, order, axis=1), np.take_along_axis(cosines, order, axis=1)
