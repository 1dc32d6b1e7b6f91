"""A served head whose catalogue has grown: new items are recommended at once through content and the encoder.

n items before, m after, D features. What was counted of users says nothing of a new item until the next fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.listed import AddedItems
from client.features.hashing import gram_weights
from client.features.item_features import PRECOMPUTED, item_features
from client.features.prepared_platform import EXACT_ITEMS, NEIGHBOURS, Catalogue, nearest, nearest_after
from client.features.rows import sparse_rows
from client.recommender.grown_head import grown_head
from client.recommender.served_catalogue import ServedCatalogue
from client.recommender.served_head import ServedHead
from client.recommender.stored_texts import row_of_each
from client.scorers.age import NAME as AGE
from client.scorers.age import PUBLISHED, since_1970
from client.scorers.cooccurrence import Matrix
from client.scorers.scorer import TABLE
from shared.errors import InvalidRequest

SMALL_CATALOGUE = 2_000
"""Items up to which all neighbours are found again."""
_ROUNDED_SPEED = 8
"""items whose neighbours are found among rounded vectors in the time of one among exact ones"""
_SPARSE_ENTRY = 2
"""Numbers that an entry of a sparse matrix takes: its value and its column."""


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """An item as a platform hands it over while it serves."""

    item_id: str
    text: str
    category: str = ""
    """empty: as it was"""
    vector: tuple[float, ...] = ()
    """where the platform's vectors are its own (feature space ``precomputed``)"""
    published: float | None = None
    """seconds since 1970; None: as it was"""

    def after(self, before: "NewItem | None") -> "NewItem":
        """The item in the place of an earlier version of it.

        Args:
            before: the earlier version, whose category and time of publishing stay where this one has none; None: there
                is none.

        Returns:
            The item.
        """
        if before is None:
            return self
        published = before.published if self.published is None else self.published
        return replace(self, category=self.category or before.category, published=published)


def keep_latest(latest: dict[str, NewItem], items: Iterable[NewItem]) -> None:
    """Put items in the place of the earlier versions of them that were found.

    Args:
        latest: by item id; it is changed in place.
        items: in the order in which they came.
    """
    for item in items:
        latest[item.item_id] = item.after(latest.get(item.item_id))


def fitting(served: ServedHead, items: Sequence[NewItem]) -> list[NewItem]:
    """Items that were taken in under another head, as this one takes them: those whose vector fits, if it needs one.

    Args:
        served: the head.
        items: as they were handed over.

    Returns:
        The items: without vectors where the head needs none, else those alone whose vector has the head's length.
    """
    length = _vector_length(served)
    if not length:
        return [replace(item, vector=()) for item in items]
    return [item for item in items if len(item.vector) == length]


def with_items(served: ServedHead, items: Sequence[NewItem]) -> ServedHead:
    """The head with these items added; one whose id is there already gets the new text and vector, and category if any.

    Args:
        served: the head.
        items: in the order in which they came; of several with one id the latest counts.

    Returns:
        The head over the larger catalogue.

    Raises:
        InvalidRequest: if a vector is missing, not needed, not of the catalogue's length, or not finite.
    """
    latest: dict[str, NewItem] = {}
    keep_latest(latest, items)
    return with_added(served, _handed(served, list(latest.values())))


def with_added(served: ServedHead, added: AddedItems) -> ServedHead:
    """The same for items, each of another id, whose vectors fit; where there are none, the very head.

    Args:
        served: the head.
        added: m items.

    Returns:
        The head over the larger catalogue.
    """
    if not added.item_ids:
        return served
    before = len(served.items.item_ids)
    known = row_of_each(served.items.item_ids)
    new = {item: before + place for place, item in enumerate(item for item in added.item_ids if item not in known)}
    changed = np.array([known[item] if item in known else new[item] for item in added.item_ids], np.int64)
    size = before + len(new)
    if not isinstance(served.items.catalogue.features, np.ndarray):
        large = grown_head(served, added, changed, size)
        return replace(large, statistics=_published(large, large.statistics, added, changed, size))
    grown = _catalogue(served, added, (*served.items.item_ids, *new), changed)
    return replace(
        served,
        items=grown,
        searches={},
        statistics=_published(
            served,
            {
                name: matrix if name.startswith(TABLE) else _padded(matrix, size)
                for name, matrix in served.statistics.items()
            },
            added,
            changed,
            size,
        ),
        parts=served.parts.on_rows(np.concatenate([np.arange(before), np.full(size - before, -1)])),
    )


def _published(
    served: ServedHead, statistics: Mapping[str, Matrix], added: AddedItems, rows: NDArray[np.int64], size: int
) -> dict[str, Matrix]:
    """With when the added items, which stand in these rows, were published; what nobody says stays as it was.

    A record of before items could say it knows it of none.
    """
    if added.published is None or AGE not in (*served.computed, *served.alone):
        return dict(statistics)
    published = since_1970(added.published, len(rows))
    grown = np.array(statistics.get(PUBLISHED, np.zeros(size)))
    grown[rows[published != 0]] = published[published != 0]
    return {**statistics, PUBLISHED: grown}


def _catalogue(
    served: ServedHead, added: AddedItems, ids: tuple[str, ...], changed: NDArray[np.int64]
) -> ServedCatalogue:
    old = served.items
    source = np.arange(len(ids))
    source[changed] = len(old.item_ids) + np.arange(len(changed))
    texts = [*old.texts, *added.texts]
    features = np.concatenate([old.catalogue.features, item_features(added, served.features)[1]])[source]
    grams = sp.csr_array(sp.vstack([old.gram_weights, gram_weights(added.texts)], format="csr"))
    most_are_new = len(ids) > EXACT_ITEMS and len(changed) > len(ids) // _ROUNDED_SPEED
    if len(ids) <= SMALL_CATALOGUE or most_are_new or old.catalogue.neighbours.items.shape[1] < NEIGHBOURS:
        neighbours = nearest(features)
    else:
        neighbours = nearest_after(old.catalogue.neighbours, features, changed)
    return ServedCatalogue(
        item_ids=ids,
        texts=tuple(texts[row] for row in source),
        categories=_categories(old, added, source),
        catalogue=Catalogue(features=features, known=neighbours),
        gram_weights=grams[source],
    )


def _categories(old: ServedCatalogue, added: AddedItems, source: NDArray[np.int64]) -> tuple[str, ...] | None:
    if old.categories is None and not any(added.categories or ()):
        return None
    none = ("",) * len(source)
    before = [*(old.categories or none[: len(old.item_ids)]), *none[len(old.item_ids) :]]
    by_source = [*before[: len(old.item_ids)], *(added.categories or none[: len(added.item_ids)])]
    return tuple(by_source[row] or earlier for row, earlier in zip(source, before, strict=True))


def _handed(served: ServedHead, items: Sequence[NewItem]) -> AddedItems:
    length = _vector_length(served)
    for item in items:
        if len(item.vector) != length:
            raise InvalidRequest(f"an item's vector must have {length} numbers here; got {len(item.vector)}")
    vectors = np.array([item.vector for item in items], np.float32) if length else None
    if vectors is not None and not np.isfinite(vectors).all():
        raise InvalidRequest("an item's vector must hold finite numbers")
    return AddedItems(
        item_ids=tuple(item.item_id for item in items),
        texts=tuple(item.text for item in items),
        categories=tuple(item.category for item in items),
        vectors=vectors,
        published=np.array([item.published for item in items], np.float64),
    )


def _vector_length(served: ServedHead) -> int:
    """Of the vector that an item must have; 0 where it must have none."""
    return served.space.dim if served.space.name == PRECOMPUTED else 0


def _padded(matrix: Matrix, size: int) -> Matrix:
    """[m] or [m, m] with 0 for new items; a dense matrix becomes a sparse one where that is the smaller."""
    if not isinstance(matrix, sp.csr_array):
        if matrix.ndim == 1 or size**2 <= _SPARSE_ENTRY * np.count_nonzero(matrix):
            return np.pad(matrix, [(0, size - length) for length in matrix.shape])
        matrix = sp.csr_array(matrix)
    ends = np.full(size - matrix.shape[0], matrix.indptr[-1], matrix.indptr.dtype)
    return sparse_rows(matrix.data, matrix.indices, np.concatenate([matrix.indptr, ends]), (size, size))
