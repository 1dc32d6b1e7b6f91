"""``graft-client recommend``: a user's list at the terminal, a line for each item."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.cli.arguments import AgentOrNone, Heads, VaultKey
from shared.system.answer import printable, tell_json

if TYPE_CHECKING:
    from client.recommender.recommender import Recommender

_TITLE = 60
"""Characters of a title that a line shows; JSON has all."""
_LEGEND = "; scorers: what each adds to the score; history: how far the score would fall without that earlier item"


def recommend(
    folder: AgentOrNone = None,
    heads: Heads = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Whom to recommend to. Default: somebody unknown.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many items.")] = 10,
    reasons: Annotated[
        bool,
        typer.Option(
            "--reasons",
            help="Say of each item which scorers and items of the history weighed most; takes many times as long.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the list as JSON; reasons are in it with --reasons.")
    ] = False,
    vault_key: VaultKey = "",
    bought: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="ITEM", help="In the user's basket now; may be said again. Listed is what goes with it."
        ),
    ] = None,
) -> None:
    """Recommend to a user: a line for each item with its rank, its whole id, its title and its score."""
    from client.api.lists import open_lists

    recommender = open_lists(folder, heads, vault_key)
    answer(recommender, user, k, as_json=as_json, basket=bought or (), reasons=reasons)


def answer(
    recommender: "Recommender",
    user: str | None,
    k: int,
    *,
    as_json: bool,
    basket: Sequence[str] = (),
    reasons: bool = False,
) -> None:
    """Print the user's list; raises DataError where there is no such user, or no such item of the basket."""
    from client.api.lists import list_for

    listed = list_for(recommender, user, k, basket, reasons=reasons)
    if as_json:
        tell_json(listed.rows)
        return
    print("\n".join(_lines(listed.rows)))
    print(f"rests on: {listed.basis}{_LEGEND if reasons else ''}")


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each item, in columns two blanks apart; reasons, where there are some, stand below it."""
    cells = [
        (str(row["rank"]), printable(row["item"]), printable(row["title"][:_TITLE]), f"{row['score']:.2f}")
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, (rank, item, title, score) in zip(rows, cells, strict=True):
        yield f"{rank:>{widths[0]}}  {item:<{widths[1]}}  {title:<{widths[2]}}  {score:>{widths[3]}}"
        yield from (f"{'':{widths[0]}}  {line}" for line in _reasons(row))


def _reasons(row: Mapping[str, Any]) -> Iterator[str]:
    for word, parts in (("scorers", row.get("scorers")), ("history", row.get("history"))):
        if parts:
            said = (f"{printable(part.get('title', part.get('words'))[:_TITLE])} {part['adds']:+.2f}" for part in parts)
            yield f"{word}: {'; '.join(said)}"
