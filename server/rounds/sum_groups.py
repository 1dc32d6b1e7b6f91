"""Groups of a masked run's platforms: each is summed apart, and is to the rounds what a platform is in plain ones.

Platforms open no sum whose parties differ by a few from those of an earlier one. So groups of earlier sums stay as they
are, in a run that goes on and in later ones, and who came since makes a group once there are enough; the rest is drawn
from names alone.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from itertools import count

ALL = "all"
"""the name of the only group"""


def groups_of(
    platforms: Iterable[str],
    size: int,
    *,
    known: Mapping[str, Collection[str]] | None = None,
    sets: Iterable[Collection[str]] = (),
) -> dict[str, tuple[str, ...]]:
    """Names of groups to platforms, at least ``size`` each.

    All in one group where ``size`` is 0, or they are too few for two. Who is left over where groups of before stand is
    in none, until as many have come as make one.

    Args:
        platforms: that are registered.
        size: of the smallest group.
        known: groups of the run so far, by name.
        sets: platforms of earlier sums, the newest first; a set that is large enough for two groups is not taken.
    """
    left = set(platforms)
    if not size or (len(left) < 2 * size and not known):
        return {ALL: tuple(sorted(left))}
    groups: dict[str, tuple[str, ...]] = {}
    for name, members in (known or {}).items():
        groups[name] = tuple(sorted(left & set(members)))
        left -= set(members)
    fresh = []
    for members in sets:
        if size <= len(members) < 2 * size and set(members) <= left:
            fresh.append(tuple(sorted(members)))
            left -= set(members)
    drawn = sorted(left, key=_drawn)
    pieces = len(drawn) // size
    fresh += [tuple(sorted(drawn[place::pieces])) for place in range(pieces)]
    free = (name for name in map("group-{}".format, count(1)) if name not in groups)
    return {**groups, **dict(zip(free, sorted(fresh, key=lambda members: min(map(_drawn, members))), strict=False))}


def _drawn(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8")).digest()


def group_words(group: str, members: Iterable[str]) -> str:
    """A group as people are told of it.

    Args:
        group: its name.
        members: names of the platforms in it.

    Returns:
        The name, and the members in brackets.
    """
    return f"{group} ({', '.join(members)})"
