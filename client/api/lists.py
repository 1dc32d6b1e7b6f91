"""Lists for users, with reasons."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from client.agent.fitting import is_agent
from client.agent.private_part import heads_and_key
from client.recommender.recommender import ListQuery, Recommendation, Recommender, open_recommender
from client.store.head_store import open_heads
from shared.errors import ConfigError

REASONS = 3
"""Scorers and items of the history that are named."""
_PARTS = pl.List(pl.Struct({"name": pl.String, "adds": pl.Float64}))
_HISTORY = pl.List(pl.Struct({"item": pl.String, "title": pl.String, "adds": pl.Float64}))
SCHEMA: dict[str, pl.DataType] = {
    "user": pl.String(),
    "rank": pl.Int64(),
    "item": pl.String(),
    "title": pl.String(),
    "score": pl.Float64(),
    "scorers": _PARTS,
    "history": _HISTORY,
}
"""Column of a table of lists to its type."""


@dataclass(frozen=True, kw_only=True)
class UserList:
    """What one user is recommended."""

    rows: list[dict[str, Any]]
    """item, title, score, scorers (name, adds) and history (item, title, adds), the best first"""
    basis: str
    """what it rests on: basket, history or popularity"""


def recommend(
    heads: str | Path,
    users: Iterable[str | int | None] = (None,),
    *,
    k: int = 10,
    basket: Sequence[str] = (),
    vault_key: str = "",
) -> pl.DataFrame:
    """Recommend to users, with the reasons, as ``graft-client recommend`` does.

    Args:
        heads: the folder in which ``fit`` stored the recommender, or an agent's folder.
        users: ids of users; None is somebody of whom nothing is known.
        k: how many items each gets at most.
        basket: ids of items that each has in the basket now; listed is what goes with them.
        vault_key: what opens the folder, ``KIND:WHERE``; empty: plain files.

    Returns:
        A row for each user and item: user, rank from 1, item, title, score, scorers (what each adds to the score) and
        history (how far the score would fall without each earlier item).

    Raises:
        ConfigError: if ``k`` is no number from 1.
        DataError: if a user or an item of the basket is unknown.
        StorageError: if nothing was stored in the folder, or it does not open.
    """
    if k < 1:
        raise ConfigError(f"k must be 1 or more; got {k}")
    recommender = open_lists(Path(heads), vault_key=vault_key)
    rows = [row for user in users for row in _numbered(recommender, user, k, basket)]
    return pl.DataFrame(rows, schema=SCHEMA)


def open_lists(folder: Path, *, vault_key: str = "") -> Recommender:
    """The recommender of a folder of heads or of an agent's folder; raises ConfigError, StorageError."""
    agent = folder if is_agent(folder) else None
    place, key = heads_and_key(agent, None if agent else folder, vault_key)
    return open_recommender(open_heads(place, key))


def list_for(recommender: Recommender, user: str | None, k: int, basket: Sequence[str] = ()) -> UserList:
    """One user's list; raises DataError where there is no such user, or no such item of the basket."""
    past, times = recommender.past_of(user, recommender.rows_of(basket))
    query = ListQuery(k=k, reasons=True, basket=len(set(basket)))
    listed = recommender.recommend(past, query, times)
    return UserList(rows=[_row(recommender, item) for item in listed], basis=recommender.basis(past, query))


def _numbered(
    recommender: Recommender, user: str | int | None, k: int, basket: Sequence[str]
) -> Iterator[dict[str, Any]]:
    name = None if user is None else str(user)
    for rank, row in enumerate(list_for(recommender, name, k, basket).rows, 1):
        yield {"user": name, "rank": rank, **row}


def _row(recommender: Recommender, item: Recommendation) -> dict[str, Any]:
    ids, texts = recommender.items.item_ids, recommender.items.texts
    return {
        "item": ids[item.item],
        "title": texts[item.item],
        "score": item.score,
        "scorers": [{"name": name, "adds": adds} for name, adds in item.scorers[:REASONS]],
        "history": [{"item": ids[row], "title": texts[row], "adds": adds} for row, adds in item.history[:REASONS]],
    }
