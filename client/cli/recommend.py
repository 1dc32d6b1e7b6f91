"""``graft-client recommend``: a user's list at the terminal, with reasons."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from client.recommender.recommender import Recommendation, Recommender, Wish

REASONS = 3
"""Scorers and history items that are named."""
_TITLE = 48


def answer(recommender: Recommender, user: str, k: int, *, as_json: bool) -> None:
    """Print the user's list; raises DataError where there is no such user."""
    rows = [
        _row(recommender, one) for one in recommender.recommend(recommender.history_of(user), Wish(k=k, reasons=True))
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table("item", "title", "score", "scorers", "from the history")
    for row in rows:
        scorers = "\n".join(f"{part['name']} {part['adds']:+.2f}" for part in row["scorers"])
        history = "\n".join(f"{_shown(part['title'][:_TITLE])} {part['adds']:+.2f}" for part in row["history"])
        cells = (_shown(row["item"]), _shown(row["title"][:_TITLE]), f"{row['score']:.2f}", scorers, history)
        table.add_row(*map(escape, cells))
    Console().print(table)


def _shown(text: str) -> str:
    """A text as a terminal may show it: what would steer the terminal stands as a replacement mark."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _row(recommender: Recommender, one: Recommendation) -> dict[str, Any]:
    ids, texts = recommender.items.item_ids, recommender.items.texts
    return {
        "item": ids[one.item],
        "title": texts[one.item],
        "score": one.score,
        "scorers": [{"name": name, "adds": adds} for name, adds in one.scorers[:REASONS]],
        "history": [{"item": ids[row], "title": texts[row], "adds": adds} for row, adds in one.history[:REASONS]],
    }
