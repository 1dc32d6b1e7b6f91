"""Lists for users, with reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from client.agent.fitting import is_agent
from client.agent.private_part import heads_and_key
from client.api.python_words import in_python_words
from client.data.ids import id_text
from client.ensemble.scorer_names import readable
from client.recommender.recommender import ListQuery, Recommendation, Recommender, open_recommender
from client.serving.id_form import IdForm
from client.store.head_store import open_heads
from shared.errors import ConfigError, DataError

UserId = str | int | float
"""A whole float, as frames with gaps hold ids, is the whole number."""
REASONS = 3
"""Scorers and items of the history that are named."""
_PARTS = pl.List(pl.Struct({"name": pl.String, "words": pl.String, "adds": pl.Float64}))
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
_REASONS = ("scorers", "history")


@dataclass(frozen=True, kw_only=True)
class UserList:
    """What one user is recommended."""

    rows: list[dict[str, Any]]
    """rank from 1, item, title and score, the best first; with reasons scorers (name, words, adds) and history (item,
    title, adds) too"""
    basis: str
    """what it rests on: basket, history or popularity"""


@in_python_words()
def recommend(
    heads: str | Path,
    users: UserId | Iterable[UserId | None] | None = None,
    *,
    k: int = 10,
    basket: Sequence[str] = (),
    vault_key: str = "",
    reasons: bool = True,
) -> pl.DataFrame:
    """Recommend to users, with reasons, as ``graft-client recommend`` does.

    Args:
        heads: the folder in which ``fit`` stored the recommender, or an agent's folder.
        users: an id or several; None is somebody of whom nothing is known.
        k: how many items each gets at most.
        basket: ids of items that each has in the basket now; listed is what goes with them.
        vault_key: what opens the folder, ``KIND:WHERE``; empty: plain files.
        reasons: whether scorers and history are wanted, which takes a scoring more for each event of a history.

    Returns:
        A row for each user and item: user, rank from 1, item, title, score, and with reasons scorers (what each adds
        to the score, in nats) and history (how far the score would fall without each earlier item).

    Raises:
        ConfigError: if ``k`` is no number from 1, or a user's id is neither a text nor a whole number.
        DataError: if a user or an item of the basket is unknown.
        StorageError: if nothing was stored in the folder, or it does not open.
    """
    if k < 1:
        raise ConfigError(f"k must be 1 or more; got {k}")
    folder = Path(heads)
    agent = folder if is_agent(folder) else None
    recommender = open_lists(agent, None if agent else folder, vault_key)
    names = [None if user is None else _name(user) for user in _several(users)]
    rows = [
        {"user": name, **row} for name in names for row in list_for(recommender, name, k, basket, reasons=reasons).rows
    ]
    columns = {name: kind for name, kind in SCHEMA.items() if reasons or name not in _REASONS}
    return pl.DataFrame(rows, schema=columns)


def _several(users: UserId | Iterable[UserId | None] | None) -> Iterable[UserId | None]:
    return users if isinstance(users, Iterable) and not isinstance(users, str) else (users,)


def _name(user: UserId) -> str:
    if (name := id_text(user)) is None:
        raise ConfigError(f"users: expected ids, texts or whole numbers, or None for somebody unknown; got {user!r}")
    return name


def open_lists(agent: Path | None, heads: Path | None, vault_key: str = "") -> Recommender:
    """The recommender that was stored last.

    Args:
        agent: an agent's folder; None where ``heads`` is given.
        heads: a folder of heads; None where ``agent`` is given.
        vault_key: what opens the heads, ``KIND:WHERE``; empty: plain files, or the agent's own key.

    Returns:
        What answers users.

    Raises:
        ConfigError: if not exactly one folder is given, or the agent's settings or the key make no sense.
        StorageError: if nothing was stored there, or it does not open.
    """
    return open_recommender(open_heads(*heads_and_key(agent, heads, vault_key)))


def list_for(
    recommender: Recommender, user: str | None, k: int, basket: Sequence[str] = (), *, reasons: bool = True
) -> UserList:
    """One user's list.

    Args:
        recommender: of the platform.
        user: the user's id; None is somebody of whom nothing is known.
        k: how many items at most.
        basket: ids of items that are in the basket now.
        reasons: whether to say what each scorer adds and what each earlier item is worth, which takes many times as
            long.

    Returns:
        The items, the best first, and what the list rests on.

    Raises:
        DataError: if there is no such user, or no such item of the basket.
    """
    known = None if user is None else _known(recommender, user)
    past, times = recommender.past_of(known, recommender.rows_of(basket))
    query = ListQuery(k=k, reasons=reasons, basket=len(set(basket)))
    listed = recommender.recommend(past, query, times)
    rows = [_row(recommender, item, rank, reasons=reasons) for rank, item in enumerate(listed, 1)]
    return UserList(rows=rows, basis=recommender.basis(past, query))


def _known(recommender: Recommender, user: str) -> str:
    """The user's id as the platform writes it."""
    users = recommender.row_of_user
    name = user if user in users else IdForm.of(recommender).user(user)
    if name not in users:
        raise DataError(
            f"user {user!r} is not among the users of the platform's folder; for somebody unknown give no user "
            "(None in Python)"
        )
    return name


def _row(recommender: Recommender, item: Recommendation, rank: int, *, reasons: bool) -> dict[str, Any]:
    ids, texts = recommender.items.item_ids, recommender.items.texts
    row = {"rank": rank, "item": ids[item.item], "title": texts[item.item], "score": item.score}
    if not reasons:
        return row
    scorers = [{"name": name, "words": readable(name), "adds": adds} for name, adds in item.scorers[:REASONS]]
    history = [{"item": ids[past], "title": texts[past], "adds": adds} for past, adds in item.history[:REASONS]]
    return {**row, "scorers": scorers, "history": history}
