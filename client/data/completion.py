"""Baskets to be completed: one item of a held-out basket is hidden, the rest of it is known beside what came before."""

import numpy as np
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples
from client.data.ragged import offsets_of, stretches
from client.data.sequences import Sequences, part, take

LEAST_BASKETS = 50
"""Baskets of two items or more, to learn weights on and as many to choose by, under which nothing is learned."""


def enough_baskets(platform: Platform) -> bool:
    """Whether baskets tell what goes together."""
    stages = ((Stage.TRAIN, platform.training_users), (Stage.VALIDATION, platform.selection_users))
    return all(len(completions(platform, stage, users)) >= LEAST_BASKETS for stage, users in stages)


def completions(platform: Platform, stage: Stage, users: NDArray[np.int64]) -> Examples:
    """Examples in which one item of a basket is hidden and the rest of it is known.

    A history is what came before the basket and then the basket's other items, each once, as of the basket's moment; a
    target is the item that ``examples`` has for it.

    Args:
        platform: a prepared platform.
        stage: whose targets are meant.
        users: rows of users.

    Returns:
        an example for every target of ``users`` that holds two items or more, by user, then time.
    """
    targets = platform.held_out.targets[stage].of(np.asarray(users))
    questions = examples(platform, stage, users)
    sequences, sizes = platform.sequences, targets.stops - targets.starts
    basket = part(sequences, targets.users, targets.starts, sizes)
    others = _first_of_each(basket) & (basket.items != questions.targets[basket.owners()])
    counts = np.bincount(basket.owners(), others, minlength=len(basket)).astype(np.int64)
    whole = take(sequences, targets.users, targets.stops)
    remaining = np.ones(len(whole.items), bool)
    remaining[stretches(whole.offsets[:-1] + targets.starts, sizes)] = others
    remaining &= np.repeat(counts > 0, whole.lengths())
    rows = np.flatnonzero(counts)
    moments = questions.histories.moments
    return Examples(
        users=questions.users[rows],
        histories=Sequences(
            offsets=offsets_of(targets.starts[rows] + counts[rows]),
            items=whole.items[remaining],
            times=None if whole.times is None else whole.times[remaining],
            moments=None if moments is None else moments[rows],
            together=counts[rows],
        ),
        targets=questions.targets[rows],
    )


def _first_of_each(baskets: Sequences) -> NDArray[np.bool_]:
    """[E] whether an item stands in its basket for the first time."""
    owners = baskets.owners()
    order = np.lexsort((baskets.items, owners))
    owners, items = owners[order], baskets.items[order]
    first = np.ones(len(items), bool)
    first[order[1:]] = (owners[1:] != owners[:-1]) | (items[1:] != items[:-1])
    return first
