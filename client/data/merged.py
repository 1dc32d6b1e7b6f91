"""Several platforms as if one place held them: for the pooled upper reference in experiments."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import MAX_STOPPING, Platform, Sequences
from client.data.ragged import offsets_of


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Several platforms in one place."""

    platform: Platform
    stopping_users: NDArray[np.int64]
    """rows of those who stop a training on their own platform too, so that choices made there stay untouched"""


def merged(platforms: list[Platform]) -> Merged:
    """One platform of all catalogues side by side and all users; items and users stay apart, nothing is matched.

    Training users are the contributing ones of each platform that may contribute; nobody is a weighting user.
    """
    first_items = np.cumsum([0, *(platform.n_items for platform in platforms)])
    first_users = np.cumsum([0, *(platform.n_users for platform in platforms)])
    items = [p.sequences.items + start for p, start in zip(platforms, first_items, strict=False)]
    lengths = [platform.sequences.lengths() for platform in platforms]
    contributing = [
        p.contributing_users + start for p, start in zip(platforms, first_users, strict=False) if p.contributes
    ]
    stopping = [p.stopping_users + start for p, start in zip(platforms, first_users, strict=False)]
    platform = Platform(
        name="pooled",
        item_ids=tuple(f"{p.name}/{item}" for p in platforms for item in p.item_ids),
        texts=tuple(text for p in platforms for text in p.texts),
        categories=None,
        vectors=None,
        user_ids=tuple(f"{p.name}/{user}" for p in platforms for user in p.user_ids),
        user_numbers=np.arange(first_users[-1]),
        sequences=Sequences(offsets=offsets_of(np.concatenate(lengths)), items=np.concatenate(items).astype(np.int32)),
        training_users=np.concatenate([np.empty(0, np.int64), *contributing]),
        weighting_users=np.empty(0, np.int64),
        ordered=all(platform.ordered for platform in platforms),
        repeats=all(platform.repeats for platform in platforms),
    )
    return Merged(platform=platform, stopping_users=_thinned(np.concatenate(stopping)))


def _thinned(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """As many of them, evenly spread, as stop the training of one platform."""
    return users[:: max(1, -(-len(users) // MAX_STOPPING))]
