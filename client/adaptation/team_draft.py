"""Two lists as one, drawn fairly: team-draft interleaving (Radlinski, Kurup, Joachims, CIKM 2008).

As captains pick teams: both pick in turns the best item that nobody has yet, and a coin says each time who begins. An
item that both would have picked at once is nobody's: the coin alone would say whose it is, which tells nothing of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

CHAMPION, CHALLENGER, NEITHER = "a", "b", "-"
"""The sides: what is served, and what would take its place; and of what both would have picked."""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """A place of the list."""

    item: str
    side: str
    """who gave the item"""


def team_draft(champion: Sequence[str], challenger: Sequence[str], k: int, coin: Callable[[], bool]) -> list[Picked]:
    """The interleaved list.

    Args:
        champion: items, each once, the best first.
        challenger: the same of the other side.
        k: how many items the list has, at most.
        coin: falls on either side with probability ½; whether the champion begins.

    Returns:
        Each item once, with who gave it.
    """
    ranked = {CHAMPION: champion, CHALLENGER: challenger}
    picked: dict[str, str] = {}
    while len(picked) < k and not picked.keys() >= {*champion, *challenger}:
        best = [next((item for item in items if item not in picked), None) for items in (champion, challenger)]
        for side in (CHAMPION, CHALLENGER) if coin() else (CHALLENGER, CHAMPION):
            item = next((item for item in ranked[side] if item not in picked), None)
            if item is not None and len(picked) < k:
                picked[item] = NEITHER if item == best[0] == best[1] else side
    return [Picked(item=item, side=side) for item, side in picked.items()]
