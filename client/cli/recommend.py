"""``graft-client recommend``: a user's list at the terminal, with reasons."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from client.cli.arguments import AgentOrNone, Heads, VaultKey

if TYPE_CHECKING:
    from client.recommender.recommender import Recommender

_TITLE = 48
_WIDEST = 10_000


def recommend(
    folder: AgentOrNone = None,
    heads: Heads = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Whom to recommend to. Default: somebody unknown.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many items.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    vault_key: VaultKey = "",
    bought: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="ITEM", help="In the user's basket now; may be said again. Listed is what goes with it."
        ),
    ] = None,
) -> None:
    """Recommend to a user: items, scores, the scorers and the items of the history that weighed most."""
    from client.agent.private_part import heads_and_key
    from client.recommender.recommender import open_recommender
    from client.store.head_store import open_heads

    place, key = heads_and_key(folder, heads, vault_key)
    answer(open_recommender(open_heads(place, key)), user, k, as_json=as_json, basket=bought or ())


def answer(recommender: "Recommender", user: str | None, k: int, *, as_json: bool, basket: Sequence[str] = ()) -> None:
    """Print the user's list; raises DataError where there is no such user, or no such item of the basket."""
    from client.api.lists import list_for

    listed = list_for(recommender, user, k, basket)
    if as_json:
        print(json.dumps(listed.rows, indent=2))
        return
    basis = f"rests on: {listed.basis}"
    table = Table(Column("item", overflow="fold"), "title", "score", "scorers", "from the history", caption=basis)
    for row in listed.rows:
        scorers = "\n".join(f"{part['name']} {part['adds']:+.2f}" for part in row["scorers"])
        history = "\n".join(f"{_shown(part['title'][:_TITLE])} {part['adds']:+.2f}" for part in row["history"])
        cells = (_shown(row["item"]), _shown(row["title"][:_TITLE]), f"{row['score']:.2f}", scorers, history)
        table.add_row(*map(escape, cells))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDEST  # nothing is cut where a program reads it
    console.print(table)


def _shown(text: str) -> str:
    """A text as a terminal may show it: what would steer the terminal stands as a replacement mark."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
