"""Groups of a masked run's platforms: each is summed apart, and is to the rounds what a platform is in plain ones.

Who is in which is drawn from the names alone. So the same platforms are in the same groups in every run, as their own
rule for sums whose parties differ by a few asks for.
"""

import hashlib
from collections.abc import Iterable

ALL = "all"
"""the name of the only group"""


def groups_of(platforms: Iterable[str], size: int) -> dict[str, tuple[str, ...]]:
    """Names of groups to platforms, in the order of names, at least ``size`` each and as alike as can be.

    All in one group where ``size`` is 0, or they are too few for two.
    """
    drawn = sorted(platforms, key=lambda name: hashlib.sha256(name.encode("utf-8")).digest())
    count = max(1, len(drawn) // size) if size else 1
    if count == 1:
        return {ALL: tuple(sorted(drawn))}
    digits = len(str(count))
    return {f"group-{place + 1:0{digits}}": tuple(sorted(drawn[place::count])) for place in range(count)}


def group_words(group: str, members: Iterable[str]) -> str:
    """A group as people are told of it."""
    return f"{group} ({', '.join(members)})"
