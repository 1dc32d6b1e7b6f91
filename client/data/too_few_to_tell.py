"""Of how few users, or of how few candidates, a ranking's figures tell nothing: any list then finds what was held out.

A list of ten finds everything where ten items are left to rank, whatever orders them.
"""

import numpy as np
from numpy.typing import NDArray

LEAST_USERS = 20
"""Below it figures hang on single users."""
LEAST_CANDIDATES = 21
"""Twice a list's ten items, and one: below it a list holds half of what there is."""


def too_few_to_tell(candidates: NDArray[np.int64], items: int) -> tuple[str, ...]:
    """Why figures of a ranking would tell nothing; nothing where they do, or where the whole catalogue is small.

    Args:
        candidates: [U] of each user with something held out, how many items are ranked for them.
        items: in the catalogue.

    Returns:
        the sentences.
    """
    users, sentences = len(candidates), []
    if 0 < users < LEAST_USERS:
        count = f"{users} user{'s' if users > 1 else ''}"
        sentences.append(f"figures over {count} tell nothing: {LEAST_USERS} are the least")
    if users and (half := int(np.median(candidates))) < min(LEAST_CANDIDATES, items / 2):
        left = f"{half} item{'' if half == 1 else 's'} or fewer"
        sentences.append(
            f"half of the users have {left} left that they did not meet, of which a list of 10 finds much by chance "
            "(DIR,repeats=keep ranks what they met too)"
        )
    return tuple(sentences)
