"""A served record without what too few users stand behind: what of it may lie on devices.

A cell is left out where fewer than K users made it: an item's count, a pair of items that the same users met, a step
from one item to the next. Content and what is learnt of content stay. n items, U users, E events.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.sequences import Sequences, select
from client.features.rows import blocks_of, largest
from client.recommender.served_head import ServedHead
from client.scorers import age, recent, shown, transition
from client.scorers.cooccurrence import Matrix, user_items_of
from client.scorers.scorer import ROW, TABLE
from shared.errors import ConfigError

_FADED = 3.0
"""half-lives after which an event counts an eighth: an older one does not stand behind a count"""
_USERS_AT_ONCE = 20_000
_PAIRS = ("item_similarity", "ease")
"""statistics of pairs that the same users met"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Thinned:
    """What is left of a record."""

    served: ServedHead
    met_by: NDArray[np.int64]
    """[n] users who met each item, 0 where they are too few"""


def thinned(served: ServedHead, least_users: int) -> Thinned:
    """Leave out of a record what too few users stand behind.

    Args:
        served: the record, all of it in memory.
        least_users: K, fewest users behind a cell.

    Returns:
        What is left; of each item's row of a matrix at most ``ROW`` values.

    Raises:
        ConfigError: if the record does not tell whose events it counts.
    """
    n_items = len(served.items.item_ids)
    if served.users.counted is None:
        raise ConfigError(
            "a pack needs a record that tells whose events it counts; found one that was fitted on a part of the "
            "platform's time: fit it on all"
        )
    counted = served.users.counted_on(np.ones(n_items, bool))
    user_items = user_items_of(counted, n_items)
    met_by = np.bincount(user_items.indices, minlength=n_items)
    known = met_by >= least_users
    everybody = served.users.sequences
    statistics = {
        name: _thinned_statistic(name, matrix, least_users, counted, user_items)
        for name, matrix in served.statistics.items()
    }
    statistics |= _recent(served.statistics, everybody, least_users)
    statistics |= _first_seen(served.statistics, everybody, least_users)
    rows = np.where(known, np.arange(n_items), -1)
    return Thinned(
        served=replace(
            served,
            statistics=statistics,
            parts=served.parts.on_rows(rows),
            basket=None,
            searches={},
        ),
        met_by=np.where(known, met_by, 0),
    )


def _thinned_statistic(
    name: str, matrix: Matrix, least_users: int, counted: Sequences, user_items: sp.csr_array
) -> Matrix:
    if name == "popularity":
        return (np.asarray(matrix) * (np.asarray(matrix) >= least_users)).astype(np.float32)
    if name.startswith(f"{shown.NAME}@"):  # impressions do not tell how many users they are of
        return np.zeros_like(np.asarray(matrix))
    if name.partition("@")[0] in _PAIRS:
        return _largest(_of_pairs(sp.csr_array(matrix), user_items, least_users))
    if name.startswith("transition"):
        steps = _users_of_steps(counted, user_items.shape[1], _lags(name))
        return _largest(_masked(sp.csr_array(matrix), steps, least_users))
    return matrix


def _largest(matrix: sp.csr_array) -> sp.csr_array:
    return largest(matrix, ROW, by_size=True)


def _lags(name: str) -> tuple[int, ...]:
    _, _, lags = name.partition("@")
    return tuple(map(int, lags.split(","))) if lags else transition.DEFAULT.lags


def _of_pairs(matrix: sp.csr_array, user_items: sp.csr_array, least_users: int) -> sp.csr_array:
    """[n, n] the cells of pairs that as many users met; a block of items is looked at at a time."""
    items = sp.csr_array(user_items.T)
    work = items.astype(np.float32) @ np.diff(user_items.indptr).astype(np.float32)
    blocks = [
        _masked(sp.csr_array(matrix[begin:end]), sp.csr_array(items[begin:end] @ user_items), least_users)
        for begin, end in blocks_of(work)
    ]
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _masked(matrix: sp.csr_array, users: sp.csr_array, least_users: int) -> sp.csr_array:
    """The cells where as many users stand behind them."""
    enough: Any = users >= least_users
    return sp.csr_array(matrix.multiply(enough.astype(np.float32)), dtype=np.float32)


def _users_of_steps(sequences: Sequences, n_items: int, lags: Sequence[int]) -> sp.csr_array:
    """[n, n] how many users went from i to j within the lags."""
    counts: Any = sp.csr_array((n_items, n_items), dtype=np.int32)
    for start in range(0, len(sequences), _USERS_AT_ONCE):
        users = np.arange(start, min(start + _USERS_AT_ONCE, len(sequences)))
        steps = np.concatenate(list(_steps(select(sequences, users), n_items, lags)) or [np.zeros(0, np.int64)])
        pairs, times = np.unique(np.unique(steps) // _USERS_AT_ONCE, return_counts=True)
        block = (times.astype(np.int32), (pairs // n_items, pairs % n_items))
        counts = counts + sp.csr_array(block, shape=counts.shape)
    return sp.csr_array(counts)


def _steps(sequences: Sequences, n_items: int, lags: Sequence[int]) -> Iterator[NDArray[np.int64]]:
    """A number for each step and user: (i · n + j) · users + user."""
    owners, items = sequences.owners().astype(np.int64), sequences.items.astype(np.int64)
    for lag in lags:
        same = owners[lag:] == owners[:-lag]
        yield (items[:-lag][same] * n_items + items[lag:][same]) * _USERS_AT_ONCE + owners[lag:][same]


def _recent(statistics: Mapping[str, Matrix], sequences: Sequences, least_users: int) -> dict[str, Matrix]:
    """Counts that fade, of the items that as many users met within some half-lives."""
    state = statistics.get(f"{TABLE}{recent.NAME}")
    if state is None:
        return {}
    until, *half_lives = np.asarray(state).tolist()
    thinner: dict[str, Matrix] = {}
    for half_life in half_lives:
        name = f"{recent.NAME}@{half_life:g}"
        counts = np.asarray(statistics[name])
        within = sequences.clock >= until - _FADED * half_life
        keys = np.unique(sequences.items[within].astype(np.int64) * len(sequences) + sequences.owners()[within])
        users = np.bincount(keys // len(sequences), minlength=len(counts))
        thinner[name] = np.where(users >= least_users, counts, 0).astype(np.float32)
    return thinner


def _first_seen(statistics: Mapping[str, Matrix], sequences: Sequences, least_users: int) -> dict[str, Matrix]:
    """When as many users had met an item, in the place of when the first one did; 0 where fewer have."""
    if age.FIRST not in statistics:
        return {}
    first = np.zeros(len(np.asarray(statistics[age.FIRST])))
    timed = np.flatnonzero(~np.isnan(sequences.clock))
    order = timed[np.argsort(sequences.clock[timed], kind="stable")]
    keys = sequences.items[order].astype(np.int64) * len(sequences) + sequences.owners()[order]
    distinct, places = np.unique(keys, return_index=True)
    items, times = distinct // len(sequences), sequences.clock[order[places]]
    by_item = np.lexsort((times, items))
    items, times = items[by_item], times[by_item]
    begins = np.searchsorted(items, np.arange(len(first)))
    ranks = np.arange(len(items)) - begins[items]
    reached = ranks == least_users - 1
    first[items[reached]] = times[reached]
    return {age.FIRST: first}
