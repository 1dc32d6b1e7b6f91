"""A small platform whose users follow a chain of items, so that order, co-occurrence and text all hold signal."""

import numpy as np

from client.data.listed import AddedItems, Listed
from client.data.platform import Platform
from client.data.sequences import Sequences
from client.features.hashing import hash_texts
from client.features.prepared_platform import Catalogue, PreparedPlatform
from tests.small_space import SPACE

N_ITEMS = 40
N_USERS = 120
LENGTH = 7


def small_platform(*, ordered: bool = True) -> Platform:
    """Users walk from a random item to the next ones; items in a row of five have a word in common."""
    rng = np.random.default_rng(7)
    starts = rng.integers(0, N_ITEMS, N_USERS)
    items = (starts[:, None] + np.arange(LENGTH)) % N_ITEMS
    users = np.arange(N_USERS)
    return Platform(
        name="small",
        item_ids=tuple(str(item) for item in range(N_ITEMS)),
        texts=tuple(f"group{item // 5} item{item}" for item in range(N_ITEMS)),
        categories=None,
        vectors=None,
        user_ids=tuple(f"u{user}" for user in users),
        user_numbers=users,
        sequences=Sequences(offsets=np.arange(N_USERS + 1) * LENGTH, items=items.reshape(-1).astype(np.int32)),
        training_users=users,
        calibration_users=users[::5],
        ordered=ordered,
        repeats=False,
    )


def nothing_beyond(platform: Platform) -> Listed:
    """Lists know the platform's users, and hold its items alone."""
    none = AddedItems(item_ids=(), texts=())
    return Listed(items=none, user_ids=platform.user_ids, sequences=platform.sequences)


def prepared(platform: Platform) -> PreparedPlatform:
    """The platform with hashed vectors."""
    catalogue = Catalogue(features=hash_texts(platform.texts, SPACE.dim))
    return PreparedPlatform(platform=platform, space=SPACE, catalogue=catalogue)
